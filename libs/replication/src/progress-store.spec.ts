import { describe, expect, it } from '@jest/globals';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { ProgressStore } from './progress-store.js';

const signal = new AbortController().signal;

function bucket() {
  const store = new MemoryObjectStore({ clock: new FakeClock() });
  const open = (seed: number) => new ProgressStore({ store, random: new SeededRandom(seed) });
  return { store, open };
}

describe('ProgressStore', () => {
  it('knows nothing of a bucket that was never used', async () => {
    expect(await bucket().open(1).find(signal)).toBeUndefined();
  });

  it('gives a bucket its generation once, whoever opens it', async () => {
    const { open } = bucket();
    const [one, two] = await Promise.all([open(1).open(signal), open(2).open(signal)]);
    expect(one.generation).toBe(two.generation);
    expect(one).toMatchObject({ watermark: 0, beyond: [] });
  });

  it('keeps what two writers applied, whoever saves last', async () => {
    const { open } = bucket();
    const [one, two] = [open(1), open(2)];
    const start = await one.open(signal);
    await Promise.all([
      one.save({ ...start, epoch: 1, watermark: 2, beyond: [4], head: 5 }, signal),
      two.save({ ...start, epoch: 1, watermark: 1, beyond: [3, 6], head: 7 }, signal),
    ]);
    expect(await one.find(signal)).toMatchObject({ epoch: 1, watermark: 4, beyond: [6], head: 7 });
  });

  it.each(['emptied', 'replaced', 'put back'])('notices that its bucket was %s, once', async (how) => {
    const { store, open } = bucket();
    const progress = open(1);
    const start = await progress.open(signal);
    const older = await store.read(keys.progress, signal);
    await progress.save({ ...start, watermark: 5 }, signal);
    expect(await progress.isLost(signal)).toBe(false);
    await store.delete(keys.progress, signal);
    if (how === 'replaced') await open(2).open(signal);
    if (how === 'put back') await store.put(keys.progress, older?.bytes ?? Buffer.from(''), { signal });
    await expect(progress.save({ ...start, watermark: 6 }, signal)).rejects.toThrow('the bucket was');
    expect(await progress.isLost(signal)).toBe(true);
    const next = await progress.open(signal);
    expect(next).toMatchObject({ watermark: 0 });
    expect(next.generation).not.toBe(start.generation);
    expect(await progress.isLost(signal)).toBe(false);
  });

  it('refuses to speak for a bucket that was emptied or replaced', async () => {
    const { store, open } = bucket();
    const progress = open(1);
    const start = await progress.open(signal);
    await store.delete(keys.progress, signal);
    await expect(progress.save({ ...start, watermark: 9 }, signal)).rejects.toThrow('was replaced');
    await open(2).open(signal);
    await expect(progress.save({ ...start, watermark: 9 }, signal)).rejects.toThrow('was replaced');
    expect(await progress.find(signal)).toMatchObject({ watermark: 0 });
  });

  describe('for processes that begin to follow the journal', () => {
    async function begun(...watermarks: readonly number[]) {
      const { open } = bucket();
      const [one, two] = [open(1), open(2)];
      const start = await one.open(signal);
      await two.open(signal);
      for (const watermark of watermarks) await one.save({ ...start, watermark }, signal);
      return { one, two, start };
    }

    it('lets all begin where the first one does, whatever snapshots there are', async () => {
      const { one, two } = await begun();
      expect(await one.beginAt(11, 0, signal)).toEqual({ followedFrom: 11, place: 11 });
      expect(await two.beginAt(48, 0, signal)).toEqual({ followedFrom: 11, place: 11 });
    });

    it('lets only one be the first', async () => {
      const { one, two } = await begun();
      const [first, second] = await Promise.all([one.beginAt(11, 0, signal), two.beginAt(48, 0, signal)]);
      expect(first).toEqual(second);
    });

    it('lets one go on from where others have come', async () => {
      const { one, two, start } = await begun();
      await one.beginAt(11, 0, signal);
      const filling = { seq: 11, images: { done: 0, total: 1 }, bytes: { done: 0, total: 1 }, estimateSeconds: 1 };
      await one.save({ ...start, bootstrap: { ...filling, tail: 13 } }, signal);
      expect(await two.beginAt(48, 0, signal)).toEqual({ followedFrom: 11, place: 13 });
      await one.save({ ...start, watermark: 30 }, signal);
      expect(await two.beginAt(48, 0, signal)).toEqual({ followedFrom: 11, place: 30 });
    });

    it('takes the place of a region that never said where it began for that', async () => {
      const { two } = await begun(20);
      expect(await two.beginAt(48, 0, signal)).toEqual({ followedFrom: 20, place: 20 });
    });

    it('lets one begin anew where the journal was cut off, and the others with it', async () => {
      const { one, two } = await begun();
      await one.beginAt(11, 0, signal);
      expect(await one.beginAt(48, 12, signal)).toEqual({ followedFrom: 48, place: 48 });
      expect(await two.beginAt(60, 12, signal)).toEqual({ followedFrom: 48, place: 48 });
    });

    it('knows of none that begins with another bucket', async () => {
      const { store, open } = bucket();
      const one = open(1);
      await one.open(signal);
      await store.delete(keys.progress, signal);
      await expect(one.beginAt(11, 0, signal)).rejects.toThrow('was replaced');
      await open(2).open(signal);
      await expect(one.beginAt(11, 0, signal)).rejects.toThrow('was replaced');
    });

    it('tells nobody of it', async () => {
      const { one, start } = await begun();
      await one.beginAt(11, 0, signal);
      expect(await one.find(signal)).toEqual(start);
    });
  });
});
