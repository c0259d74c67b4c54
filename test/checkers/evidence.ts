import type { Operation } from './history.js';
import type { JournalState } from './journal-state.js';
import type { RegionState } from './region-state.js';

/** All that is known of a run when it is over: what clients saw, and what the buckets hold. */
export interface Evidence {
  readonly operations: readonly Operation[];
  readonly journal: JournalState;
  readonly primary: string;
  readonly regions: ReadonlyMap<string, RegionState>;
  /** How long a blob stays at the least that somebody was told of. */
  readonly graceMs?: number;
  /** Regions that were lost with their buckets. */
  readonly lost?: readonly LostBucket[];
  /** Regions that may have been filled from a snapshot, which says what there is, and not what was deleted. */
  readonly refilled?: readonly string[];
}

export interface LostBucket {
  readonly region: string;
  readonly atMs: number;
}

/** Something that must never be. `checker` is its row in docs/testing.md. */
export interface Violation {
  readonly checker: string;
  readonly what: string;
}

export type Checker = (evidence: Evidence) => readonly Violation[];

/** For a checker with one name: its findings as violations. */
export function finding(checker: string, whats: Iterable<string>): readonly Violation[] {
  return [...whats].map((what) => ({ checker, what }));
}
