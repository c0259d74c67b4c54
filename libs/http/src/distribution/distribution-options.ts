import type { Listing, Pull, PullSource, Push } from '#libs/registry';
import type { SequenceGate } from '#libs/replication';
import type { Clock } from '#libs/resilience';
import type { Access } from '../access.js';
import type { Locations } from '../locations.js';
import type { HttpLog } from '../send-error.js';
import type { ResidencyOptions } from './residency.js';
import type { WriteConcerns } from './write-concerns.js';
import type { WriteForwarder } from './write-forwarder.js';

/** When a client is sent to the store for a blob's bytes, where the store can be reached by clients. */
export interface RedirectPolicy {
  /** Blobs of at least so many bytes; `undefined`: never. */
  readonly fromBytes: number | undefined;
}

/** A pull, once it is answered; for the metrics. */
export interface PullReport {
  readonly source: PullSource;
  readonly seconds: number;
}

/** How a primary changes things. */
export interface LocalWrites {
  readonly kind: 'local';
  readonly push: Push;
  readonly concerns: WriteConcerns;
  /** Called with the place of each manifest that was committed, just before it is answered or waited for. */
  readonly onPushed: (seq: number) => void;
}

/** What the API of a region is made of. */
export interface DistributionOptions {
  readonly region: string;
  readonly access: Access;
  readonly locations: Locations;
  readonly pull: Pull;
  readonly listing: Listing;
  /** The primary changes things itself; a replica passes changes on to it. */
  readonly writes: LocalWrites | { readonly kind: 'forward'; readonly forwarder: WriteForwarder };
  /** How far this region is, for reads that ask for a state. */
  readonly gate: SequenceGate;
  /** At a replica: what the policy keeps out of it. */
  readonly residency?: ResidencyOptions;
  readonly redirect: RedirectPolicy;
  readonly clock: Clock;
  readonly log: HttpLog;
  readonly onPull: (report: PullReport) => void;
}
