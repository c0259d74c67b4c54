import { describe, expect, it } from '@jest/globals';
import { systemRandom } from '../random.js';
import { FakeClock, SeededRandom } from './index.js';

const forever = new AbortController().signal;

describe('FakeClock', () => {
  it('wakes sleepers in the order of their times, and those of one time in the order in which they came', async () => {
    const clock = new FakeClock(0);
    const woken: string[] = [];
    const sleeper = async (name: string, ...naps: number[]): Promise<void> => {
      for (const nap of naps) {
        await clock.sleep(nap, forever);
        woken.push(`${name} at ${clock.now()}`);
      }
    };
    const all = [sleeper('a', 20, 10), sleeper('b', 10), sleeper('c', 20), sleeper('d', 31)];
    await clock.advance(30);
    expect(woken).toEqual(['b at 10', 'a at 20', 'c at 20', 'a at 30']);
    expect(clock.monotonic()).toBe(30);
    await clock.advance(1);
    await Promise.all(all);
    expect(clock.sleeping).toBe(0);
  });

  it('lets a sleeper leave', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(10, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(clock.sleeping).toBe(0);
    await expect(clock.sleep(10, controller.signal)).rejects.toThrow('enough');
  });
});

describe.each([
  ['SeededRandom', new SeededRandom(7)],
  ['systemRandom', systemRandom],
])('%s', (_, random) => {
  it('makes numbers, bytes and identifiers', () => {
    for (let round = 0; round < 200; round += 1) {
      expect(random.next()).toBeGreaterThanOrEqual(0);
      expect(random.next()).toBeLessThan(1);
      expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(random.bytes(5)).toHaveLength(5);
    expect(random.uuid()).not.toBe(random.uuid());
  });
});

describe('SeededRandom', () => {
  it('repeats itself by its seed', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed);
      return [random.next(), random.uuid(), ...random.bytes(4)];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
});
