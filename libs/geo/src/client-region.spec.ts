import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientRegions } from './client-region.js';
import { parseRegionName } from './region.js';
import type { Topology } from './topology.js';

const [eu, us, ap] = ['eu', 'us', 'ap'].map(parseRegionName) as [never, never, never];

const topology: Topology = {
  regions: [
    { name: eu, role: 'primary', publicUrl: 'http://eu.test', peerUrl: 'http://eu.test' },
    { name: us, role: 'replica', publicUrl: 'http://us.test', peerUrl: 'http://us.test' },
    { name: ap, role: 'replica', publicUrl: 'http://ap.test', peerUrl: 'http://ap.test' },
  ],
  roundTripMs: {},
  clientNetworks: [
    { cidr: '10.0.0.0/8', region: us },
    { cidr: '10.1.0.0/16', region: ap },
    { cidr: '2001:db8::/32', region: us },
    { cidr: '2001:db8:a::/48', region: ap },
  ],
  defaultRegion: eu,
};

const cautious = new ClientRegions(topology, { trustRegionHeader: false, trustedProxies: [] });
const simulated = new ClientRegions(topology, { trustRegionHeader: true, trustedProxies: [] });
const proxied = new ClientRegions(topology, { trustRegionHeader: false, trustedProxies: ['192.0.2.0/24'] });

function from(remoteAddress: string | undefined, forwardedFor?: string, regionHeader?: string) {
  return { remoteAddress, forwardedFor, regionHeader };
}

describe('ClientRegions', () => {
  it.each([
    ['10.2.0.1', us],
    ['10.1.0.1', ap],
    ['::ffff:10.1.0.1', ap],
    ['2001:db8:b::1', us],
    ['2001:db8:a::1', ap],
    ['203.0.113.1', eu],
    [undefined, eu],
  ])('finds the longest prefix for %s', (address, region) => {
    expect(cautious.regionOf(from(address))).toBe(region);
  });

  it('ignores what a client claims of itself', () => {
    const claims = fc.option(fc.oneof(fc.constantFrom('us', 'ap', '10.1.0.1', '10.2.0.1'), fc.string()), {
      nil: undefined,
    });
    fc.assert(
      fc.property(claims, claims, (forwardedFor, regionHeader) => {
        expect(cautious.regionOf(from('203.0.113.1', forwardedFor, regionHeader))).toBe(eu);
        expect(proxied.regionOf(from('203.0.113.1', forwardedFor, regionHeader))).toBe(eu);
      }),
    );
  });

  it.each([
    ['10.1.0.1', ap],
    ['10.1.0.1, 10.2.0.1', us],
    ['10.1.0.1, 10.2.0.1, 192.0.2.9', us],
    ['10.1.0.1, nonsense', eu],
    ['', eu],
    [undefined, eu],
  ])('behind a listed proxy, takes the last hop of %j that no proxy made', (forwardedFor, region) => {
    expect(proxied.regionOf(from('192.0.2.1', forwardedFor))).toBe(region);
  });

  it('believes the region header only where configuration allows it, and only known regions', () => {
    expect(simulated.regionOf(from('203.0.113.1', undefined, 'ap'))).toBe(ap);
    expect(simulated.regionOf(from('203.0.113.1', undefined, 'mars'))).toBe(eu);
  });

  it('refuses to start with a network that is none', () => {
    expect(() => new ClientRegions(topology, { trustRegionHeader: false, trustedProxies: ['proxy'] })).toThrow(
      TypeError,
    );
  });
});
