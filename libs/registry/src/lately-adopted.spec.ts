import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { FakeClock } from '#libs/resilience/testing';
import { LatelyAdopted } from './lately-adopted.js';

const blob = digestOf('a blob');
const QUARTER_OF_GRACE_MS = 60_000;

describe('what is known of blobs that came a moment ago', () => {
  it('counts for ten seconds', async () => {
    const clock = new FakeClock();
    const lately = new LatelyAdopted(clock, QUARTER_OF_GRACE_MS);
    expect(lately.has(blob)).toBe(false);
    lately.add(blob);
    await clock.advance(10_000);
    expect(lately.has(blob)).toBe(true);
    await clock.advance(1);
    expect(lately.has(blob)).toBe(false);
  });

  it('tells the first link of each that came from the others', async () => {
    const clock = new FakeClock();
    const lately = new LatelyAdopted(clock, QUARTER_OF_GRACE_MS);
    lately.add(blob);
    await clock.advance(10_001);
    expect([lately.link(blob), lately.link(blob)]).toEqual([true, false]);
    lately.add(blob);
    lately.forget(blob);
    expect(lately.link(blob)).toBe(false);
  });

  it('counts for less where collections wait for less', async () => {
    const clock = new FakeClock();
    const lately = new LatelyAdopted(clock, 1_250);
    lately.add(blob);
    await clock.advance(1_251);
    expect(lately.has(blob)).toBe(false);
  });

  it('ends when the blob is found damaged or is taken away, and with the store', () => {
    const lately = new LatelyAdopted(new FakeClock(), QUARTER_OF_GRACE_MS);
    lately.add(blob);
    lately.forget(blob);
    expect(lately.has(blob)).toBe(false);
    lately.add(blob);
    lately.forgetAll();
    expect(lately.has(blob)).toBe(false);
  });

  it('is of so many blobs at the most, the last ones', () => {
    const lately = new LatelyAdopted(new FakeClock(), QUARTER_OF_GRACE_MS);
    const came = Array.from({ length: 10_001 }, (_, at) => digestOf(`blob ${at}`));
    for (const digest of came) lately.add(digest);
    expect(came.map((digest) => lately.has(digest)).filter((has) => !has)).toHaveLength(1);
    expect(lately.has(came[0] ?? blob)).toBe(false);
  });
});
