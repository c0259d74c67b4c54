import { describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import type { RegionStatus, StatusSource } from '#libs/peer';
import { systemRandom } from '#libs/resilience';
import { FakeClock } from '#libs/resilience/testing';
import { PresentLag } from './present-lag.js';
import { RegionWatch } from './region-watch.js';

const [here, north] = [parseRegionName('here'), parseRegionName('north')];

/** A region that says something when it is told to, and falls silent. */
class Speaker {
  readonly region = north;
  listeners = 0;
  #say: (status: RegionStatus) => void = () => undefined;

  say(watermark: number, beyond: readonly number[] = []): void {
    this.#say({ region: north, watermark, beyond } as unknown as RegionStatus);
  }

  async *statusStream(signal: AbortSignal): AsyncGenerator<RegionStatus> {
    this.listeners += 1;
    try {
      for (;;) {
        yield await new Promise<RegionStatus>((resolve, reject) => {
          this.#say = resolve;
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      }
    } finally {
      this.listeners -= 1;
    }
  }
}

function watched() {
  const clock = new FakeClock();
  const speaker = new Speaker();
  const own = {
    current: () => ({ region: here, watermark: 9, beyond: [] }) as unknown as RegionStatus,
    changes: async function* () {},
  } satisfies StatusSource;
  const watch = new RegionWatch({ own, peers: [speaker], clock, random: systemRandom });
  return { clock, speaker, watch };
}

describe('a watch over regions', () => {
  it('listens as long as somebody wants to know', async () => {
    const { clock, speaker, watch } = watched();
    await clock.advance(1);
    expect(speaker.listeners).toBe(0);
    const [first, second] = [watch.use(), watch.use()];
    await clock.advance(1);
    expect(speaker.listeners).toBe(1);
    first();
    first();
    await clock.advance(1);
    expect(speaker.listeners).toBe(1);
    second();
    await clock.advance(1);
    expect(speaker.listeners).toBe(0);
  });

  it('calls a region silent that says nothing for three seconds, and tells when it does, and when it is back', async () => {
    const { clock, speaker, watch } = watched();
    const stop = watch.use();
    await clock.advance(1);
    speaker.say(4, [6]);
    await clock.advance(2_500);
    expect(watch.find(north)).toMatchObject({ silent: false, status: { watermark: 4 } });
    const { version } = watch.changed;
    await clock.advance(1_000);
    expect(watch.find(north)).toMatchObject({ silent: true, status: { watermark: 4 } });
    expect(watch.changed.version).toBeGreaterThan(version);
    speaker.say(5);
    await clock.advance(1);
    expect(watch.find(north)?.silent).toBe(false);
    stop();
  });

  it('knows what is applied where', async () => {
    const { clock, speaker, watch } = watched();
    const stop = watch.use();
    await clock.advance(1);
    speaker.say(4, [6]);
    await clock.advance(1);
    expect([4, 5, 6].map((seq) => watch.applied(north, seq))).toEqual([true, false, true]);
    expect(watch.applied(here, 9)).toBe(true);
    stop();
  });
});

describe('the lag of pushes', () => {
  it('is measured from the answer to the word of each region', async () => {
    const { clock, speaker, watch } = watched();
    const observed: [string, number][] = [];
    const observe = (region: string, seconds: number) => observed.push([region, seconds]);
    const lag = new PresentLag({ watch, regions: [north], clock, observe });
    const stopping = new AbortController();
    const following = lag.follow(stopping.signal).catch(() => undefined);
    await clock.advance(1);
    for (const seq of [1, 2, 3]) lag.committed(seq);
    await clock.advance(100);
    speaker.say(1, [3]);
    await clock.advance(300);
    speaker.say(3);
    await clock.advance(1);
    expect(observed).toEqual([
      [north, 0.1],
      [north, 0.1],
      [north, 0.4],
    ]);
    expect(lag.summary(north)).toEqual({ count: 3, p50Seconds: 0.1, p99Seconds: 0.4 });
    await clock.advance(3_600_001);
    expect(lag.summary(north)).toBeUndefined();
    stopping.abort();
    await following;
  });
});
