export * from './collector.js';
export * from './cycle-report.js';

export { entryReferences, journalReferences, type PendingReferences, type Reference } from './references.js';
export { journalSweeper, localSweeper, type Sweeper } from './sweeper.js';
