import type { Listing, Pull, PullSource, Push } from '#libs/registry';
import type { Clock } from '#libs/resilience';
import type { Access } from '../access.js';
import type { Locations } from '../locations.js';
import type { HttpLog } from '../send-error.js';
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

/** What the API of a region is made of. */
export interface DistributionOptions {
  readonly region: string;
  readonly access: Access;
  readonly locations: Locations;
  readonly pull: Pull;
  readonly listing: Listing;
  /** The primary changes things itself; a replica passes changes on to it. */
  readonly writes:
    | { readonly kind: 'local'; readonly push: Push }
    | { readonly kind: 'forward'; readonly forwarder: WriteForwarder };
  readonly redirect: RedirectPolicy;
  readonly clock: Clock;
  readonly log: HttpLog;
  readonly onPull: (report: PullReport) => void;
}
