import type { RegionName, RegionRole } from './region.js';

/** One region as others know it. All addresses are origins (`http://host:port`) without a path. */
export interface RegionSite {
  readonly name: RegionName;
  readonly role: RegionRole;
  /** Where clients reach its registry. A DNS name, not an address literal: clients refuse redirects to those. */
  readonly publicUrl: string;
  /** Where this process reaches its registry for the internal API. */
  readonly peerUrl: string;
  /**
   * Where clients of a given region reach it, when that differs from `publicUrl` (a private endpoint; in the simulation,
   * the relay that carries the delay between the two).
   */
  readonly publicUrlFrom?: Readonly<Partial<Record<RegionName, string>>>;
}

/** The regions of one registry and how far they are from each other. Configuration; the same everywhere in the cluster. */
export interface Topology {
  /** Exactly one is the primary. */
  readonly regions: readonly RegionSite[];
  /** Round-trip time between two regions in milliseconds, by `from` then `to`; 0 within a region. Symmetric. */
  readonly roundTripMs: Readonly<Record<RegionName, Readonly<Record<RegionName, number>>>>;
  /** Which region a client belongs to, by its address; the longest prefix wins. */
  readonly clientNetworks: readonly { readonly cidr: string; readonly region: RegionName }[];
  /** The region of a client that no network names. */
  readonly defaultRegion: RegionName;
}
