import { describe, expect, it } from '@jest/globals';
import { type RetryPolicy, retry } from './retry.js';
import { FakeClock, SeededRandom } from './testing/index.js';

/** Work that fails so many times. */
function failing(times: number) {
  const work = async (): Promise<number> => {
    work.tries += 1;
    if (work.tries <= times) throw new Error(`failure ${work.tries}`);
    return work.tries;
  };
  work.tries = 0;
  return work;
}

function policy(fields: Partial<Omit<RetryPolicy, 'clock'>> = {}) {
  const clock = new FakeClock();
  return {
    clock,
    attempts: 3,
    baseMs: 100,
    capMs: 1_000,
    isRetryable: () => true,
    random: new SeededRandom(1),
    ...fields,
  };
}

const forever = new AbortController().signal;

describe('retry', () => {
  it('tries until it succeeds, and tells of every failure', async () => {
    const heard: string[] = [];
    const patient = policy({ onRetry: (error, attempt) => heard.push(`${attempt}: ${(error as Error).message}`) });
    const result = retry(failing(2), patient, forever);
    await patient.clock.advance(300);
    await expect(result).resolves.toBe(3);
    expect(heard).toEqual(['0: failure 1', '1: failure 2']);
  });

  it('gives up after its attempts, with the last error', async () => {
    const patient = policy();
    const result = expect(retry(failing(9), patient, forever)).rejects.toThrow('failure 3');
    await patient.clock.advance(300);
    await result;
  });

  it('does not repeat what cannot succeed', async () => {
    const work = failing(1);
    await expect(retry(work, policy({ isRetryable: () => false }), forever)).rejects.toThrow('failure 1');
    expect(work.tries).toBe(1);
  });

  it('stops waiting when its caller gives up', async () => {
    const controller = new AbortController();
    const patient = policy({ onRetry: () => controller.abort(new Error('gone')) });
    await expect(retry(failing(1), patient, controller.signal)).rejects.toThrow('gone');
    expect(patient.clock.sleeping).toBe(0);
    await expect(retry(failing(0), patient, controller.signal)).rejects.toThrow('gone');
  });
});
