import type { RegionName, RegionRole } from '#libs/geo';
import type { PeerClient, PresenceSource, StatusSource } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import type { GcOptions } from './gc.controller.js';

export interface AdminOptions {
  readonly region: RegionName;
  readonly role: RegionRole;
  readonly status: StatusSource;
  readonly presence: PresenceSource;
  /** All other regions. */
  readonly peers: readonly PeerClient[];
  /** The cluster's processes as this one knows them. */
  readonly processes: () => readonly object[];
  readonly gc: GcOptions;
  readonly clock: Clock;
}
