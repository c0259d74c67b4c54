import type { RegionName } from '#libs/geo';
import type { RegistryAnswer, RegistryClient } from '../demo/registry-client.js';
import type { LineQuality } from '../wan/link-table.js';
import type { Faults } from './faults.js';

export const SOURCES = ['router', 'replica', 'primary'] as const;

/** Whom a client asks: the one name, the registry of its own region, or the primary's wherever it stands. */
export type Source = (typeof SOURCES)[number];

/** A cluster that runs, and clients that stand in its regions. */
export interface Target {
  /** For reports: what it is. */
  readonly description: string;
  readonly network: string;
  readonly regions: readonly TargetRegion[];
  readonly primary: TargetRegion;
  /** The operators' API of the primary; absent where it cannot be reached. */
  readonly admin: string;
  /** What can be broken on purpose; absent for a cluster that is somebody's. */
  readonly faults: Faults | undefined;
  /** Leaves nothing behind that was started for the measurement. */
  close(): Promise<void>;
}

export interface TargetRegion {
  readonly name: RegionName;
  readonly role: 'primary' | 'replica';
  /** The line from its clients to the primary. */
  readonly line: LineQuality;
  /** A client that stands in this region, with connections of its own. The caller closes it. */
  connect(source: Source): RegistryClient;
  /** The region from which an answer came. */
  regionOf(answer: RegistryAnswer): string;
}
