import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesPerMs, TokenBucket } from './token-bucket.js';

/** When a chunk that is ready now has left. */
function depart(bucket: TokenBucket, bytes: number, megabitsPerSecond: number, nowMs: number): number {
  const place = bucket.queue(bytes, megabitsPerSecond, nowMs);
  return bucket.departure(place, megabitsPerSecond, nowMs) ?? nowMs;
}

describe('a token bucket', () => {
  it('lets a chunk leave after as long as its bytes take', () => {
    expect(depart(new TokenBucket(), 25_000, 200, 1_000)).toBe(1_001);
  });

  it('lets the next one wait for it', () => {
    const bucket = new TokenBucket();
    depart(bucket, 25_000, 200, 1_000);
    expect(depart(bucket, 50_000, 200, 1_000)).toBe(1_003);
  });

  it('saves nothing up while it is idle', () => {
    const bucket = new TokenBucket();
    depart(bucket, 1, 200, 0);
    expect(depart(bucket, 25_000, 200, 10_000)).toBe(10_001);
  });

  it('lets what waits leave at the new rate when the rate changes', () => {
    const bucket = new TokenBucket();
    const place = bucket.queue(250_000, 0.1, 0);
    expect(bucket.departure(place, 0.1, 0)).toBe(20_000);
    expect(bucket.departure(place, 200, 10_000)).toBe(10_005);
    expect(depart(bucket, 25_000, 200, 10_000)).toBe(10_006);
    expect(bucket.departure(place, 200, 10_005)).toBeUndefined();
  });

  it('never exceeds its rate, and never lets chunks overtake', () => {
    const chunk = fc.record({ bytes: fc.integer({ min: 0, max: 100_000 }), pauseMs: fc.integer({ min: 0, max: 20 }) });
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1 }), (chunks) => {
        const bucket = new TokenBucket();
        let now = 0;
        let last = 0;
        let total = 0;
        for (const { bytes, pauseMs } of chunks) {
          now += pauseMs;
          total += bytes;
          const leaves = depart(bucket, bytes, 100, now);
          expect(leaves).toBeGreaterThanOrEqual(last);
          expect(leaves).toBeGreaterThanOrEqual(now);
          last = leaves;
        }
        expect(last).toBeGreaterThanOrEqual(total / bytesPerMs(100) - 1e-6);
      }),
    );
  });
});
