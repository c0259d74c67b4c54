import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RegionHealth } from './health-view.js';
import { parseRegionName, type RegionName } from './region.js';
import { decideRoute } from './route-decision.js';
import type { RegionSite, Topology } from './topology.js';

const eu = parseRegionName('eu');
const us = parseRegionName('us');
const ap = parseRegionName('ap');

function site(name: RegionName, role: RegionSite['role']): RegionSite {
  return { name, role, publicUrl: `http://${name}.test`, peerUrl: `http://${name}.test` };
}

const topology: Topology = {
  regions: [site(eu, 'primary'), site(us, 'replica'), site(ap, 'replica')],
  roundTripMs: { [eu]: { [us]: 80, [ap]: 160 }, [us]: { [ap]: 120 }, [ap]: {} } as Topology['roundTripMs'],
  clientNetworks: [],
  defaultRegion: eu,
};

/** One letter per region, eu us ap: h(ealthy), u(nhealthy), `?`; capital: fresh. */
function knowledge(states: string) {
  const letters = new Map([eu, us, ap].map((name, at) => [name, states[at] ?? '?']));
  const health: Record<string, RegionHealth> = { h: 'healthy', u: 'unhealthy' };
  return {
    health: (region: RegionName) => health[letters.get(region)?.toLowerCase() ?? ''] ?? 'unknown',
    isExcluded: () => false,
    isFresh: (region: RegionName) => /[A-Z]/.test(letters.get(region) ?? ''),
  };
}

describe('decideRoute', () => {
  it.each([
    [ap, 'HHH', ap, 'nearest'],
    [ap, 'HHh', us, 'nearest-stale'],
    [ap, 'HHU', us, 'nearest-unhealthy'],
    [ap, 'Hhh', eu, 'nearest-stale'],
    [ap, 'HUU', eu, 'nearest-unhealthy'],
    [ap, 'hhh', eu, 'nearest-stale'],
    [eu, 'HHH', eu, 'nearest'],
    [eu, 'UHH', us, 'nearest-unhealthy'],
    [us, '???', eu, 'nearest-unhealthy'],
    [us, 'uhh', undefined, 'none'],
    [us, 'uuu', undefined, 'none'],
    [parseRegionName('mars'), 'HHH', eu, 'nearest'],
  ] as const)('a client in %s with regions %s goes to %s: %s', (client, states, region, reason) => {
    const decision = decideRoute(client, topology, knowledge(states));
    expect([decision.site?.name, decision.reason]).toEqual([region, reason]);
  });

  it('never picks a region that is unhealthy or stale, and the nearest of those that are left', () => {
    const states = fc.array(fc.constantFrom('h', 'H', 'u', 'U', '?'), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(states, fc.constantFrom(eu, us, ap), (letters, client) => {
        const known = knowledge(letters.join(''));
        const { site: chosen, candidates } = decideRoute(client, topology, known);
        const usable = candidates.filter(({ usable }) => usable);
        expect(chosen).toBe(usable[0]?.site);
        for (const { site, roundTripMs } of usable) {
          expect(known.health(site.name)).not.toBe('unhealthy');
          expect(site.role === 'primary' || known.isFresh(site.name)).toBe(true);
          expect(roundTripMs).toBeGreaterThanOrEqual(usable[0]?.roundTripMs ?? 0);
        }
      }),
    );
  });
});
