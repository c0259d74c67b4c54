import { describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import type { RegionStatus } from '#libs/peer';
import { FakeClock } from '#libs/resilience/testing';
import { freshProgress } from './progress-store.js';
import { RegionStatusBoard } from './region-status.js';

const start = { ...freshProgress('g1'), watermark: 5, beyond: [7], head: 7 };

function board() {
  const clock = new FakeClock(10_000);
  const options = { region: parseRegionName('north'), role: 'replica', clock, ready: () => true } as const;
  return { clock, status: new RegionStatusBoard(start, options) };
}

describe('RegionStatusBoard', () => {
  it.each([
    ['nothing is pending', undefined, 0],
    ['the oldest pending entry is 2.5 s old', 7_500, 2.5],
    ['the clock of the primary is ahead', 11_000, 0],
  ])('has the lag of what is pending: %s', (_what, oldestPendingMs, lagSeconds) => {
    const { status } = board();
    status.update({ ...start, oldestPendingMs });
    expect(status.current()).toMatchObject({ lagSeconds, timeMs: 10_000 });
  });

  it.each([
    ['a later watermark', { watermark: 6 }, true],
    ['more beyond the watermark', { beyond: [7, 8] }, true],
    ['an earlier watermark', { watermark: 4, beyond: [6, 7, 8] }, false],
    ['less beyond the watermark', { beyond: [] }, false],
    ['another bucket, whatever it says', { generation: 'g2', watermark: 0, beyond: [] }, true],
  ])('takes a report that came late for what it is: %s', (_what, change, taken) => {
    const { status } = board();
    status.update({ ...start, ...change });
    expect(status.progress).toEqual(taken ? { ...start, ...change } : start);
  });

  it('says with its next repetition that the primary was heard again, and anything else at once', () => {
    const { status } = board();
    const { version } = status.changed;
    status.update({ ...start, heardMs: 5_000 });
    expect(status.changed.version).toBe(version);
    expect(status.progress.heardMs).toBe(5_000);
    status.update({ ...start, heardMs: 6_000, setAside: 1 });
    expect(status.changed.version).not.toBe(version);
  });

  it('says its status at once, when it changes, and when it has been silent for a while', async () => {
    const { clock, status } = board();
    const stop = new AbortController();
    const heard: RegionStatus[] = [];
    const listening = (async () => {
      for await (const said of status.changes(500, stop.signal)) heard.push(said);
    })();
    await clock.advance(100);
    expect(heard).toHaveLength(1);
    for (const watermark of [6, 7, 8]) status.update({ ...start, watermark, beyond: [] });
    await clock.advance(100);
    expect(heard.map((said) => said.watermark)).toEqual([5, 8]);
    await clock.advance(1_000);
    expect(heard.length).toBeGreaterThan(2);
    stop.abort(new Error('enough'));
    await expect(listening).rejects.toThrow('enough');
  });
});
