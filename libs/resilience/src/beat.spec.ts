import { describe, expect, it } from '@jest/globals';
import { beatsSoFar, nextBeat, onBeat } from './beat.js';
import { FakeClock } from './testing/index.js';

const { signal } = new AbortController();

describe('nextBeat', () => {
  it('is the same moment for all who begin to wait before it, and never further off than a period', async () => {
    const clock = new FakeClock();
    const heard: string[] = [];
    const wait = (who: string) => nextBeat(1_000, clock, signal).then(() => heard.push(who));
    await clock.advance(100);
    void wait('one');
    await clock.advance(800);
    void wait('other');
    await clock.advance(99);
    expect(heard).toEqual([]);
    await clock.advance(10);
    expect(heard).toEqual(['one', 'other']);
  });

  it('comes once a period', async () => {
    const clock = new FakeClock();
    let beats = 0;
    void (async () => {
      for (;;) {
        await nextBeat(500, clock, signal);
        beats += 1;
      }
    })();
    for (let step = 0; step < 100; step += 1) await clock.advance(50);
    expect(beats).toBeGreaterThanOrEqual(8);
    expect(beats).toBeLessThanOrEqual(10);
  });

  it('is one timer, however many wait and for beats of which length, and none when nobody waits', async () => {
    const clock = new FakeClock(1_000);
    const stops = [500, 1_000, 500, 2_000].map((periodMs) => {
      const stop = new AbortController();
      nextBeat(periodMs, clock, stop.signal).catch(() => undefined);
      return stop;
    });
    expect(clock.sleeping).toBe(2);
    for (const stop of stops.slice(0, 3)) stop.abort(new Error('enough'));
    expect(clock.sleeping).toBe(1);
    void nextBeat(500, clock, signal);
    expect(clock.sleeping).toBe(2);
    await clock.advance(1_100);
    expect(clock.sleeping).toBe(0);
  });

  it('is called once, and not when nobody waits for it any more', async () => {
    const [clock, heard] = [new FakeClock(), [] as string[]];
    onBeat(500, clock, () => heard.push('one'));
    const leave = onBeat(500, clock, () => heard.push('other'));
    leave();
    await clock.advance(2_000);
    expect(heard).toEqual(['one']);
    leave();
    expect(clock.sleeping).toBe(0);
  });

  it('is not called any more when another one that is woken makes it leave', async () => {
    const [clock, heard] = [new FakeClock(), [] as string[]];
    const leaves: (() => void)[] = [];
    const make = (who: string, leaving: number) =>
      onBeat(500, clock, () => {
        heard.push(who);
        leaves[leaving]?.();
      });
    leaves.push(make('one', 1), make('two', 0), make('three', 2));
    await clock.advance(600);
    expect(heard).toEqual(['one', 'three']);
  });

  it('is counted: who counts at each knows whether a longer one came with it', async () => {
    const [clock, counts] = [new FakeClock(0), [] as number[]];
    for (let beat = 0; beat < 6; beat += 1) {
      const next = nextBeat(1_000, clock, signal);
      await clock.advance(1_001);
      await next;
      counts.push(beatsSoFar(3_000, clock));
    }
    expect(counts).toEqual([0, 0, 1, 1, 1, 2]);
  });

  it('ends with the signal', async () => {
    const stop = new AbortController();
    const waiting = nextBeat(1_000, new FakeClock(), stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
