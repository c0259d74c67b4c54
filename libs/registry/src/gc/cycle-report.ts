/** Of one kind of thing: how many were put on notice, and how many went. In a dry run: would be. */
export interface Tally {
  condemned: number;
  condemnedBytes: number;
  removed: number;
  removedBytes: number;
}

export const COLLECTED_KINDS = ['blobs', 'links', 'uploads', 'data'] as const;
export type CollectedKind = (typeof COLLECTED_KINDS)[number];

/** What a collection did, or would do. */
export interface CycleReport {
  readonly cycle: string;
  readonly dryRun: boolean;
  readonly startedMs: number;
  finishedMs?: number;
  /** `stopped`: so much would be condemned that somebody has to say that it is meant. */
  outcome: 'running' | 'done' | 'stopped' | 'failed';
  reason?: string;
  readonly kinds: Readonly<Record<CollectedKind, Tally>>;
  /** Where it is: what is being looked at, and how many of that so far. */
  phase: 'mark' | 'survey' | 'uploads' | 'blobs' | 'links' | 'data' | 'end';
  done: number;
  /** Manifests read, records looked at, links looked at. */
  readonly seen: { manifests: number; blobs: number; links: number; data: number };
}

export function freshReport(cycle: string, dryRun: boolean, startedMs: number): CycleReport {
  const tally = (): Tally => ({ condemned: 0, condemnedBytes: 0, removed: 0, removedBytes: 0 });
  return {
    cycle,
    dryRun,
    startedMs,
    outcome: 'running',
    kinds: { blobs: tally(), links: tally(), uploads: tally(), data: tally() },
    phase: 'mark',
    done: 0,
    seen: { manifests: 0, blobs: 0, links: 0, data: 0 },
  };
}
