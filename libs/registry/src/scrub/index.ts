export * from './scrub-report.js';
export type { ReadEntries, RepairBlob, ScrubObserver } from './scrub-run.js';
export { lastScrub, untilNextScrub } from './scrub-state.js';
export * from './scrubber.js';
