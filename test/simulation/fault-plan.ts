import type { SeededRandom } from '#libs/resilience/testing';

/** How likely things go wrong, and how big things are: drawn from the seed, so that every run is another world. */
export interface FaultPlan {
  /** Chance that a store call fails: before its effect, after it, or with the effect much later. */
  readonly storeFailure: number;
  readonly storeLate: number;
  readonly storeSlowMs: number;
  /** Chance that a body breaks off, and that a byte of it is wrong. */
  readonly bodyBreak: number;
  readonly bodyFlip: number;
  /** Chance that a message within a region is lost. */
  readonly busLoss: number;
  readonly queueFailure: number;
  /** Between two acts of the nemesis. */
  readonly nemesisPauseMs: number;
  /** How long a cut, or a process that is down, lasts at the most. */
  readonly longestFaultMs: number;
  readonly windowEntries: number;
  readonly copyConcurrency: number;
  readonly primaryNodes: number;
  readonly replicators: number;
  readonly clients: number;
  readonly repositories: number;
  readonly tags: number;
  readonly operations: number;
  readonly thinkMs: number;
  readonly clockSkewMs: number;
  /** Between two collections; 0 for none. */
  readonly gcIntervalMs: number;
  readonly gcGraceMs: number;
  readonly uploadIdleMs: number;
  /** Chance that a store call is answered by nothing for so long that its caller's driver gives up. */
  readonly storeStall: number;
  /** Chance that a conditional write is done, and refused because it was done; and that it collides with nothing known. */
  readonly storeRefusal: number;
  /** Of a listing, the most objects on one page; as many as were asked for, if 0. */
  readonly storePage: number;
  /** Between two changes of the rules; 0 for none. */
  readonly rulePauseMs: number;
  /** Between two snapshots of a process, each followed by a cut of the journal; 0 for none. */
  readonly snapshotPauseMs: number;
  /** For how long a region may be silent and the journal still waits for it. */
  readonly silentAfterMs: number;
  /** Between two losses of a replica's bucket; 0 for none. */
  readonly bucketPauseMs: number;
  /** Between two wishes of operators, that a region pauses, goes on, or copies less at once; 0 for none. */
  readonly steerPauseMs: number;
  /** Objects of a replica that are damaged in the end, for scrubs and comparisons to find. */
  readonly damages: number;
}

/** `rules`: somebody changes them meanwhile, whatever the seed says of that. */
export function drawFaultPlan(random: SeededRandom, operations: number, rules = false): FaultPlan {
  const one = <T>(...choices: readonly [T, ...T[]]): T => choices[random.below(choices.length)] ?? choices[0];
  return {
    storeFailure: one(0, 0.005, 0.02, 0.06),
    storeLate: one(0, 0.005, 0.02),
    storeSlowMs: one(5, 20, 80),
    bodyBreak: one(0, 0.02, 0.2),
    bodyFlip: one(0, 0.02, 0.1),
    busLoss: one(0, 0.1, 1),
    queueFailure: one(0, 0.1, 0.5),
    nemesisPauseMs: one(700, 1_500, 4_000),
    longestFaultMs: one(2_000, 9_000, 9_000, 90_000),
    windowEntries: one(1, 2, 4, 64),
    copyConcurrency: one(1, 2, 4),
    primaryNodes: one(1, 2, 2),
    replicators: one(1, 1, 2),
    clients: one(3, 5, 8),
    repositories: one(1, 2, 3),
    tags: one(2, 3, 5),
    operations,
    thinkMs: one(20, 200, 800),
    clockSkewMs: one(0, 0, 600_000),
    gcIntervalMs: one(0, 3_000, 20_000),
    gcGraceMs: one(5_000, 12_000),
    uploadIdleMs: one(5_000, 20_000),
    storeStall: one(0, 0, 0.002),
    storeRefusal: one(0, 0.01, 0.05),
    storePage: one(0, 2, 7),
    rulePauseMs: rules ? one(4_000, 12_000) : one(0, 0, 4_000, 12_000),
    snapshotPauseMs: one(0, 0, 3_000, 8_000),
    silentAfterMs: one(3_000, 30_000),
    bucketPauseMs: one(0, 0, 0, 12_000),
    steerPauseMs: one(0, 0, 6_000),
    damages: one(0, 0, 2, 5),
  };
}
