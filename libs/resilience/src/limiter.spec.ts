import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ByteBudget } from './byte-budget.js';
import { Limiter } from './limiter.js';
import { settle } from './testing/index.js';

const forever = new AbortController().signal;

/** Work that ends when told to, and says when it began. */
class Bench {
  readonly begun: string[] = [];
  readonly #finish = new Map<string, () => void>();

  work(name: string): () => Promise<string> {
    return () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#finish.set(name, () => resolve(name)));
    };
  }

  async finish(name: string): Promise<void> {
    this.#finish.get(name)?.();
    await settle();
  }
}

describe('Limiter', () => {
  it('lets in who came first, as permits come free', async () => {
    const bench = new Bench();
    const limiter = new Limiter(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => limiter.run(forever, bench.work(name)));
    await settle();
    expect(bench.begun).toEqual(['a', 'b']);
    await bench.finish('b');
    expect(bench.begun).toEqual(['a', 'b', 'c']);
    for (const name of ['a', 'c', 'd']) await bench.finish(name);
    await expect(Promise.all(all)).resolves.toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives the permit back when the work fails', async () => {
    const limiter = new Limiter(1);
    const rejected = limiter.run(forever, () => Promise.reject(new Error('rejected')));
    await expect(rejected).rejects.toThrow('rejected');
    const thrown = limiter.run(forever, () => {
      throw new Error('thrown');
    });
    await expect(thrown).rejects.toThrow('thrown');
    await expect(limiter.run(forever, async () => 'next')).resolves.toBe('next');
  });

  it('lets a waiter leave, and forgets it', async () => {
    const bench = new Bench();
    const limiter = new Limiter(1);
    const leaving = new AbortController();
    const first = limiter.run(forever, bench.work('first'));
    const left = limiter.run(leaving.signal, bench.work('left'));
    const last = limiter.run(forever, bench.work('last'));
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await bench.finish('first');
    await bench.finish('last');
    await Promise.all([first, last]);
    expect(bench.begun).toEqual(['first', 'last']);
  });

  it('keeps a permit until work that was told to stop has stopped', async () => {
    const bench = new Bench();
    const limiter = new Limiter(1);
    const controller = new AbortController();
    const first = limiter.run(controller.signal, bench.work('first'));
    const second = limiter.run(forever, bench.work('second'));
    await settle();
    controller.abort();
    await settle();
    expect(bench.begun).toEqual(['first']);
    await bench.finish('first');
    await bench.finish('second');
    await Promise.all([first, second]);
  });

  it('does not begin for a caller who has given up', async () => {
    await expect(new Limiter(1).run(AbortSignal.abort(new Error('gone')), async () => 1)).rejects.toThrow('gone');
  });
});

describe('ByteBudget', () => {
  it('does not let small amounts overtake a large one', async () => {
    const bench = new Bench();
    const budget = new ByteBudget(10);
    const all = [
      budget.run(6, forever, bench.work('a')),
      budget.run(8, forever, bench.work('large')),
      budget.run(1, forever, bench.work('small')),
    ];
    await settle();
    expect(bench.begun).toEqual(['a']);
    await bench.finish('a');
    expect(bench.begun).toEqual(['a', 'large', 'small']);
    for (const name of ['large', 'small']) await bench.finish(name);
    await Promise.all(all);
  });

  it('lets those behind go on when a large one leaves', async () => {
    const bench = new Bench();
    const budget = new ByteBudget(10);
    const leaving = new AbortController();
    const first = budget.run(6, forever, bench.work('first'));
    const left = budget.run(8, leaving.signal, bench.work('left'));
    const small = budget.run(4, forever, bench.work('small'));
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await settle();
    expect(bench.begun).toEqual(['first', 'small']);
    for (const name of ['first', 'small']) await bench.finish(name);
    await Promise.all([first, small]);
  });

  it('never holds more than it has, and lets everybody in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(30)), async (capacity, amounts) => {
        const budget = new ByteBudget(capacity);
        let held = 0;
        const work = async (amount: number): Promise<void> => {
          held += Math.min(amount, capacity);
          expect(held).toBeLessThanOrEqual(capacity);
          await Promise.resolve();
          held -= Math.min(amount, capacity);
        };
        await Promise.all(amounts.map((amount) => budget.run(amount, forever, () => work(amount))));
        expect(held).toBe(0);
      }),
    );
  });
});
