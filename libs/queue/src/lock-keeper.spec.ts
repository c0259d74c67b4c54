import { describe, expect, it } from '@jest/globals';
import type { LockManagerWorkerContext } from 'bullmq';
import { LockKeeper } from './lock-keeper.js';

const RENEW_MS = 20;

function keeping() {
  const renewed: string[][] = [];
  let answer = (): Promise<string[]> => Promise.resolve([]);
  const worker = {
    name: 'copy',
    emit: () => true,
    trace: (_kind: unknown, _operation: string, _name: string, run: () => unknown) => run(),
    extendJobLocks: (ids: string[]) => {
      renewed.push(ids);
      return answer();
    },
  };
  const keeper = new LockKeeper(worker as unknown as LockManagerWorkerContext, {
    lockRenewTime: RENEW_MS,
    lockDuration: 2 * RENEW_MS,
    workerId: 'w1',
  });
  keeper.start();
  return {
    keeper,
    renewed,
    answerWith: (next: typeof answer) => {
      answer = next;
    },
  };
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('LockKeeper', () => {
  it('waits for nothing while no job runs', async () => {
    const { keeper } = keeping();
    expect(keeper.isRunning()).toBe(false);
    keeper.trackJob('1', 't', Date.now());
    expect(keeper.isRunning()).toBe(true);
    keeper.untrackJob('1');
    expect(keeper.isRunning()).toBe(false);
    await keeper.close();
  });

  it('renews for as long as any job runs', async () => {
    const { keeper, renewed } = keeping();
    keeper.trackJob('1', 't', Date.now());
    keeper.trackJob('2', 't', Date.now());
    await until(() => renewed.length >= 2);
    keeper.untrackJob('1');
    renewed.length = 0;
    await until(() => renewed.length >= 2);
    expect(renewed.at(-1)).toEqual(['2']);
    keeper.untrackJob('2');
    expect(keeper.isRunning()).toBe(false);
    await keeper.close();
  });

  it('begins again with the next job', async () => {
    const { keeper, renewed } = keeping();
    keeper.trackJob('1', 't', Date.now());
    keeper.untrackJob('1');
    keeper.trackJob('2', 't', Date.now());
    await until(() => renewed.length > 0);
    expect(renewed).toEqual([['2']]);
    await keeper.close();
  });

  it('comes to rest although the last job ends while its lock is renewed', async () => {
    const { keeper, renewed, answerWith } = keeping();
    let answered = (): void => undefined;
    answerWith(
      () =>
        new Promise((resolve) => {
          answered = () => resolve([]);
        }),
    );
    keeper.trackJob('1', 't', Date.now());
    await until(() => renewed.length > 0);
    keeper.untrackJob('1');
    answered();
    await until(() => !keeper.isRunning());
    await new Promise((resolve) => setTimeout(resolve, 2 * RENEW_MS));
    expect([renewed.length, keeper.isRunning()]).toEqual([1, false]);
  });

  it('starts no timer once it is closed', async () => {
    const { keeper } = keeping();
    await keeper.close();
    keeper.trackJob('1', 't', Date.now());
    expect(keeper.isRunning()).toBe(false);
  });
});
