import { describe, expect, it } from '@jest/globals';
import { onAbort } from './abort.js';
import { TaskGroup } from './task-group.js';

const never = new AbortController().signal;

const untilTold = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => onAbort(signal, () => reject(signal.reason as Error)));

describe('TaskGroup', () => {
  it('ends when every task has, also those that were added by others', async () => {
    const group = new TaskGroup(never);
    const done: string[] = [];
    group.add(async () => {
      await Promise.resolve();
      group.add(async () => {
        done.push('second');
      });
      done.push('first');
    });
    await group.join();
    expect(done.toSorted()).toEqual(['first', 'second']);
  });

  it('tells the others when one fails, and rejects with its reason', async () => {
    const group = new TaskGroup(never);
    const reason = new Error('it broke');
    group.add(untilTold);
    group.add(() => Promise.reject(reason));
    await expect(group.join()).rejects.toBe(reason);
  });

  it.each([
    ['its own signal', (stop: AbortController, _group: TaskGroup, reason: Error) => stop.abort(reason)],
    ['a call', (_stop: AbortController, group: TaskGroup, reason: Error) => group.end(reason)],
  ])('ends by %s', async (_what, end) => {
    const stop = new AbortController();
    const group = new TaskGroup(stop.signal);
    const reason = new Error('enough');
    group.add(untilTold);
    end(stop, group, reason);
    await expect(group.join()).rejects.toBe(reason);
  });
});
