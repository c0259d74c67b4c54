import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { BlobLocations, LOCATION_LIFE_MS } from './blob-locations.js';

describe('BlobLocations', () => {
  function open() {
    const clock = new FakeClock();
    let signed = 0;
    const presign = ({ key, expiresInMs }: { readonly key: string; readonly expiresInMs: number }) => {
      signed += 1;
      return `http://store.test/${key}?until=${clock.now() + expiresInMs}&n=${signed}`;
    };
    return { clock, locations: new BlobLocations(presign, clock) };
  }

  const untilMs = (url: string) => Number(new URL(url).searchParams.get('until'));

  it('signs once for all who ask soon after one another', async () => {
    const { clock, locations } = open();
    const first = locations.of('a');
    await clock.advance(LOCATION_LIFE_MS / 2);
    expect(locations.of('a')).toBe(first);
    expect(locations.of('b')).not.toBe(first);
  });

  it('gives nobody a location that ends within half of its life', async () => {
    const { clock, locations } = open();
    for (let asked = 0; asked < 50; asked += 1) {
      expect(untilMs(locations.of('a')) - clock.now()).toBeGreaterThanOrEqual(LOCATION_LIFE_MS / 2);
      await clock.advance(17_000);
    }
  });

  it('signs again when the clock was set back', () => {
    const now = { ms: 1_000_000 };
    const locations = new BlobLocations(() => `http://store.test/${now.ms}`, { now: () => now.ms });
    locations.of('a');
    now.ms -= 1;
    expect(locations.of('a')).toBe('http://store.test/999999');
  });
});
