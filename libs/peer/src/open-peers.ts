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

/**
 * Regions that this one may follow while they copy a blob themselves: nearer than the primary, and nearer to it. So nobody
 * waits for somebody who waits for him, and on a line the primary sends each byte once.
 */
export function upstreamOf(topology: Topology, self: RegionName): ReadonlySet<RegionName> {
  const primary = topology.regions.find((site) => site.role === 'primary')?.name ?? self;
  const distance = (a: RegionName, b: RegionName): number => topology.roundTripMs[a]?.[b] ?? Number.MAX_VALUE;
  const own = distance(self, primary);
  const between = (name: RegionName): boolean => distance(self, name) < own && distance(name, primary) < own;
  return new Set(topology.regions.map(({ name }) => name).filter((name) => name !== primary && between(name)));
}
