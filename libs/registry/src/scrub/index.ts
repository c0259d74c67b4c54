export { Pace } from './pace.js';
export * from './reinstate.js';
export * from './scrub-report.js';
export type { FindManifestElsewhere, ReadEntries, RepairBlob, ScrubObserver } from './scrub-run.js';
export { lastScrub, untilNextScrub, wasScrubbed } from './scrub-state.js';
export * from './scrubber.js';
