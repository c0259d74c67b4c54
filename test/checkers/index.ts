import type { Checker } from './evidence.js';
import { closuresAreWhole, nothingIsResurrected, regionsConverge } from './final-state.js';
import { tagsAreLinearizable } from './linearizable-tags.js';
import { journalTellsTheTruth, nothingAcknowledgedIsLost } from './lost-push.js';
import { rulesAreKept } from './policy-kept.js';
import { nothingPromisedIsRefused } from './promised-blobs.js';
import { readsAreRecent, regionsNeverGoBack } from './register-reads.js';
import { progressIsTrue } from './status-truth.js';

export type { Evidence, LostBucket, Violation } from './evidence.js';
export { type Action, type Condition, History, type Operation, type Outcome } from './history.js';
export { type HistoryLine, historyLine, parseHistoryLine } from './history-lines.js';
export { type JournalState, readJournalState } from './journal-state.js';
export { IMPOSSIBLE, isLinearizable, MAX_OPERATIONS, type Step } from './linearizable.js';
export { type CheckedRule, isKept, lastRules, policyIsKept } from './policy-kept.js';
export { type ReadableStore, type RegionState, readRegionState } from './region-state.js';

/** Every checker that needs nothing but the evidence of a run. */
export const CHECKERS: readonly Checker[] = [
  nothingAcknowledgedIsLost,
  journalTellsTheTruth,
  (evidence) =>
    readsAreRecent(evidence, 'C2 recent reads at the primary', {
      reads: ({ via }) => via === evidence.primary,
      writes: () => true,
    }),
  tagsAreLinearizable,
  nothingPromisedIsRefused,
  regionsNeverGoBack,
  closuresAreWhole,
  regionsConverge,
  nothingIsResurrected,
  rulesAreKept,
  (evidence) =>
    readsAreRecent(evidence, 'C9 reads through the router', {
      reads: ({ via }) => via === 'router',
      writes: ({ via }) => via === 'router',
    }),
  (evidence) => [...evidence.regions].flatMap(([region, state]) => progressIsTrue(region, state, evidence)),
];
