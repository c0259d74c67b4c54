import { describe, expect, it } from '@jest/globals';
import type { RegionProgress } from '#libs/peer';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { freshProgress, ProgressStore } from './progress-store.js';
import { ProgressTeller, QUIET_REPORT_MS } from './progress-teller.js';
import { RegionStanding } from './region-standing.js';

function telling() {
  const clock = new FakeClock();
  const standing = new RegionStanding(freshProgress('g1'));
  const [stop, told, extra] = [new AbortController(), [] as RegionProgress[], { setAside: 0 }];
  const toldMs: number[] = [];
  const teller = new ProgressTeller({
    ...{ standing, clock, signal: stop.signal },
    current: () => ({ ...standing.progress({ bytes: 0, failed: [] }), ...extra }),
    store: new ProgressStore({ store: new MemoryObjectStore({ clock }), random: new SeededRandom(1) }),
    onProgress: (progress) => {
      told.push(progress);
      toldMs.push(clock.monotonic());
    },
    onRetry: () => undefined,
  });
  teller.keepReporting().catch(() => undefined);
  return { clock, standing, told, toldMs, extra };
}

describe('what a replicator tells of its progress', () => {
  it('comes soon after a change, and once more after a quiet second', async () => {
    const { clock, standing, told } = telling();
    await clock.advance(100);
    told.length = 0;
    standing.announce({ seq: 3, timeMs: 1 });
    await clock.advance(30);
    expect(told.map(({ head }) => head)).toEqual([3]);
    await clock.advance(1_100);
    expect(told.length).toBe(2);
  });

  it('is little while the primary is only heard again and again', async () => {
    const { clock, standing, told } = telling();
    await clock.advance(5_000);
    told.length = 0;
    for (let second = 0; second < 30; second += 1) {
      standing.heard(clock.now());
      standing.announce({ seq: 0, timeMs: 0 });
      await clock.advance(1_000);
    }
    expect(told.length).toBeGreaterThanOrEqual(9);
    expect(told.length).toBeLessThanOrEqual(11);
    expect(told.at(-1)?.heardMs).toBeGreaterThan(clock.now() - 5_000);
  });

  it('is then told at the same beats as whatever else comes as seldom', async () => {
    const { clock, standing, toldMs } = telling();
    await clock.advance(5_700);
    standing.announce({ seq: 3, timeMs: 1 });
    await clock.advance(5_000);
    toldMs.length = 0;
    for (let beat = 0; beat < 4; beat += 1) await clock.advance(QUIET_REPORT_MS);
    expect(toldMs.length).toBe(4);
    for (const ms of toldMs) expect(ms % QUIET_REPORT_MS).toBeLessThan(10);
  });

  it('comes within a second or so after what changed without a word', async () => {
    const { clock, told, extra } = telling();
    await clock.advance(10_000);
    extra.setAside = 7;
    await clock.advance(1_100);
    expect(told.at(-1)?.setAside).toBe(7);
  });
});
