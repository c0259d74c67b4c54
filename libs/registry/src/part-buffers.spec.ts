import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '#libs/resilience';
import { FakeClock } from '#libs/resilience/testing';
import { PartBuffers, type PartFiller } from './part-buffers.js';

const NEVER = new AbortController().signal;

describe('PartBuffers', () => {
  const revoked: string[] = [];
  let clock: FakeClock;
  let buffers: PartBuffers;

  const filler = (name: string, length = 0): PartFiller => ({ length, revoke: () => void revoked.push(name) });
  beforeEach(() => {
    revoked.length = 0;
    clock = new FakeClock();
    buffers = new PartBuffers(clock, 1);
  });

  it.each(['giveBack', 'drop'] as const)('lets the next one have a place after %s, and not before', async (end) => {
    const first = await buffers.take(filler('a'), NEVER);
    let second: unknown;
    void buffers.take(filler('b'), NEVER).then((taken) => {
      second = taken;
    });
    await clock.advance(1);
    expect(second).toBeUndefined();
    first[end]();
    first[end]();
    await clock.advance(1);
    expect(second).toBeDefined();
  });

  it.each([
    [1, 256 * 1024],
    [32, 256 * 1024],
    [500, 16_777],
    [5_000, 16 * 1024],
  ])('lets each of %i uploads hold so much without the memory of a part', (count, bytes) => {
    const leave = Array.from({ length: count }, () => buffers.enter());
    expect(buffers.smallBytes).toBe(bytes);
    for (const end of leave) {
      end();
      end();
    }
    expect(buffers.smallBytes).toBe(256 * 1024);
  });

  it('holds little of uploads that came one after the other and bring nothing more', () => {
    let held = 0;
    for (let count = 0; count < 500; count += 1) {
      buffers.enter();
      held += buffers.smallBytes;
    }
    expect(held).toBeLessThan(32 * 1024 ** 2);
  });

  it('gives up a place that nobody waits for any more', async () => {
    const first = await buffers.take(filler('a'), NEVER);
    const gone = new AbortController();
    const second = buffers.take(filler('b'), gone.signal);
    gone.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    first.giveBack();
    await buffers.take(filler('c'), NEVER);
    expect(clock.sleeping).toBe(0);
  });

  it('leaves who is slow alone as long as nobody waits', async () => {
    await buffers.take(filler('slow'), NEVER);
    await clock.advance(3_600_000);
    expect(revoked).toEqual([]);
  });

  it.each([
    ['stopped', 0, ['held']],
    ['brings next to nothing', 1_000, ['held']],
    ['is a slow line', 40_000, []],
  ])('takes the place from one that %s once others wait', async (_how, perHalfSecond, expected) => {
    const held = { length: 1_000_000, revoke: () => void revoked.push('held') };
    await buffers.take(held, NEVER);
    void buffers.take(filler('waiting'), NEVER);
    for (let halves = 0; halves < 10; halves += 1) {
      if (halves < 3) expect(revoked).toEqual([]);
      held.length += perHalfSecond;
      await clock.advance(500);
    }
    expect(revoked).toEqual(expected);
  });

  it('waits for less while more wait than there are places', async () => {
    await buffers.take(filler('held'), NEVER);
    void buffers.take(filler('waiting'), NEVER);
    void buffers.take(filler('waiting too'), NEVER);
    await clock.advance(999);
    expect(revoked).toEqual([]);
    await clock.advance(1);
    expect(revoked).toEqual(['held']);
  });

  it('does not blame a client for a process that was halted, or had no time to read', async () => {
    const late: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: (ms, signal) => clock.sleep(ms + 60_000, signal),
    };
    const halted = new PartBuffers(late, 1);
    await halted.take({ length: 1_000_000, revoke: () => void revoked.push('held') }, NEVER);
    void halted.take(filler('waiting'), NEVER);
    await clock.advance(61_000);
    expect(revoked).toEqual([]);
  });

  it('does not blame a client for a store that is slow', async () => {
    const held = await buffers.take(filler('held'), NEVER);
    held.filled();
    void buffers.take(filler('waiting'), NEVER);
    await clock.advance(60_000);
    expect(revoked).toEqual([]);
  });

  it('uses the same memory again as long as anybody needs some, and keeps little afterwards', async () => {
    const many = new PartBuffers(clock, 6);
    const taken = await Promise.all(Array.from({ length: 6 }, () => many.take(filler('a'), NEVER)));
    const memories = new Set(taken.map(({ bytes }) => bytes));
    for (const buffer of taken.slice(1)) buffer.giveBack();
    const again = await Promise.all(Array.from({ length: 5 }, () => many.take(filler('b'), NEVER)));
    expect(again.every(({ bytes }) => memories.has(bytes))).toBe(true);
    for (const buffer of [...taken, ...again]) buffer.giveBack();
    const later = await Promise.all(Array.from({ length: 6 }, () => many.take(filler('c'), NEVER)));
    expect(later.filter(({ bytes }) => memories.has(bytes))).toHaveLength(4);
  });
});
