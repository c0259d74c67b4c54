import type { RegionName, Topology } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { HttpPeerClient } from './http-peer-client.js';

/** Clients of all other regions, nearest first: the order in which a region looks for what it lacks. */
export function openPeers(
  topology: Topology,
  self: RegionName,
  options: { readonly key: Uint8Array; readonly clock: Clock },
): readonly HttpPeerClient[] {
  const distance = (region: RegionName): number => topology.roundTripMs[self]?.[region] ?? Number.MAX_VALUE;
  return topology.regions
    .filter((site) => site.name !== self)
    .toSorted((a, b) => distance(a.name) - distance(b.name))
    .map(
      (site) =>
        new HttpPeerClient({
          ...options,
          region: site.name,
          origin: site.peerUrl,
          self: { kind: 'region', name: self },
        }),
    );
}
