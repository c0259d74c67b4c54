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
});
