import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { Hints } from './hints.js';

const blob = (size: number) => ({ digest: digestOf(String(size)), size });

async function sizesOf(hints: AsyncIterable<{ readonly size: number }>, count: number): Promise<readonly number[]> {
  const sizes: number[] = [];
  for await (const { size } of hints) if (sizes.push(size) === count) break;
  return sizes;
}

describe('hints', () => {
  it('reach everybody who listens, from the moment they listen', async () => {
    const hints = new Hints();
    const { signal } = new AbortController();
    hints.publish(blob(1));
    const first = hints.hints(signal);
    hints.publish(blob(2));
    const second = hints.hints(signal);
    hints.publish(blob(3));
    expect(await sizesOf(first, 2)).toEqual([2, 3]);
    expect(await sizesOf(second, 1)).toEqual([3]);
  });

  it('reach whoever waits already', async () => {
    const hints = new Hints();
    const heard = sizesOf(hints.hints(new AbortController().signal), 1);
    await Promise.resolve();
    hints.publish(blob(1));
    expect(await heard).toEqual([1]);
  });

  it('lose the oldest when a listener is slow', async () => {
    const hints = new Hints();
    const slow = hints.hints(new AbortController().signal);
    for (let size = 1; size <= 1_002; size += 1) hints.publish(blob(size));
    const sizes = await sizesOf(slow, 1_000);
    expect([sizes[0], sizes.at(-1)]).toEqual([3, 1_002]);
  });

  it('end when the signal aborts, before or while somebody waits', async () => {
    const leaving = new AbortController();
    const hints = new Hints();
    const waiting = sizesOf(hints.hints(leaving.signal), 1);
    leaving.abort();
    expect(await waiting).toEqual([]);
    expect(await sizesOf(hints.hints(leaving.signal), 1)).toEqual([]);
  });
});
