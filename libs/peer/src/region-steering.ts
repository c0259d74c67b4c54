import type { CopyLimit } from '#libs/geo';
import type { Digest, RepositoryName } from '#libs/oci';

/** What operators have said of a region's replication. */
export interface RegionControl {
  /** Since when nothing is copied for the journal; `undefined`: it is not paused. */
  readonly pausedSinceMs: number | undefined;
  /** `undefined`: as the region's configuration says. */
  readonly limits: readonly CopyLimit[] | undefined;
}

/** One wish of an operator. */
export type ControlChange =
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** `undefined`: as the region's configuration says. */
  | { readonly kind: 'limits'; readonly limits: readonly CopyLimit[] | undefined }
  /** Copies that were set aside are tried again: one, those of a repository, or all. */
  | { readonly kind: 'retry'; readonly digest?: Digest; readonly repository?: RepositoryName };

/** A copy that failed again and again. Nothing waits for it but the images that need it. */
export interface FailedCopyReport {
  readonly digest: Digest;
  readonly size: number;
  readonly reason: string;
  readonly failures: number;
  readonly sinceMs: number;
  readonly triedMs: number;
  /** Where images need it; some of them, if there are many. */
  readonly repositories: readonly string[];
}

/**
 * How a region's replication is steered. What is said is kept in the region's bucket, and its replicator does it within a
 * second. Rejects with PeerError or StorageError, or the signal's reason.
 */
export interface RegionSteering {
  control(signal: AbortSignal): Promise<RegionControl>;
  /** @returns what is said from then on */
  change(change: ControlChange, signal: AbortSignal): Promise<RegionControl>;
  /** Those that failed first come first. */
  failed(signal: AbortSignal): Promise<readonly FailedCopyReport[]>;
}
