import type { RegionName, RegionRole } from '#libs/geo';
import type { PeerClient, StatusSource } from '#libs/peer';
import type { JournalCare } from '#libs/registry';
import type { JournalSource, LagSummary, RegionWatch, Verifications } from '#libs/replication';
import type { Clock } from '#libs/resilience';
import type { AntiEntropyControllerOptions } from './anti-entropy.controller.js';
import type { GcOptions } from './gc.controller.js';
import type { ImageWait } from './image-wait.js';
import type { PolicyOptions } from './policy.controller.js';
import type { ProofOptions } from './proof.controller.js';
import type { RegionPresences } from './region-presences.js';
import type { SteeringOptions } from './region-steerings.js';
import type { ScrubOptions } from './scrub.controller.js';

export interface AdminOptions {
  readonly region: RegionName;
  readonly role: RegionRole;
  readonly status: StatusSource;
  readonly presences: RegionPresences;
  readonly watch: RegionWatch;
  readonly wait: ImageWait;
  /** How long pushes took to be in a region lately; `undefined` where that is not measured. */
  readonly lag: (region: RegionName) => LagSummary | undefined;
  /** All other regions. */
  readonly peers: readonly PeerClient[];
  /** The cluster's processes as this one knows them. */
  readonly processes: () => readonly object[];
  /** Where changes are heard; `undefined` while the process starts. */
  readonly journal: () => JournalSource | undefined;
  /** Aborts when the process stops: ends answers that would never end. */
  readonly stopping: AbortSignal;
  readonly gc: GcOptions;
  readonly policy: PolicyOptions;
  readonly steering: SteeringOptions;
  readonly scrub: ScrubOptions;
  readonly proof: ProofOptions;
  /** At a primary that has begun. */
  readonly verifications: () => Verifications | undefined;
  readonly antiEntropy: AntiEntropyControllerOptions;
  /** At a primary that has begun. */
  readonly journalCare: () => JournalCare | undefined;
  readonly clock: Clock;
}
