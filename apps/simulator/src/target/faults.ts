import type { RegionName } from '#libs/geo';

/** Things that go wrong, on purpose. Every one of them can be put right again. */
export interface Faults {
  /** Every process of the region dies at once and stays down. The router lives on: it has a machine of its own. */
  stopRegion(region: RegionName, signal: AbortSignal): Promise<void>;
  /** Resolves when the region says that it is ready. */
  startRegion(region: RegionName, signal: AbortSignal): Promise<void>;
  /** The Redis of the region forgets everything. */
  flushRedis(region: RegionName, signal: AbortSignal): Promise<void>;
  /** The rest exists where the network and the disks are our own. */
  readonly embedded?: EmbeddedFaults;
}

export type RegionApp = 'registry' | 'replicator';

export interface EmbeddedFaults {
  /** All lines between that region and the others, in both directions. */
  cutLines(region: RegionName, signal: AbortSignal): Promise<void>;
  slowLines(region: RegionName, megabitsPerSecond: number, signal: AbortSignal): Promise<void>;
  /** All lines are as they were at the start. */
  restoreLines(signal: AbortSignal): Promise<void>;
  /** Everything in the region's bucket is gone. */
  loseBucket(region: RegionName): Promise<void>;
  /** Whether the region says that it is ready. */
  isReady(region: RegionName, signal: AbortSignal): Promise<boolean>;
  /** Ends a process as a power failure does; it stays down until it is resumed. */
  halt(region: RegionName, app: RegionApp, signal: AbortSignal): Promise<void>;
  resume(region: RegionName, app: RegionApp, signal: AbortSignal): Promise<void>;
}
