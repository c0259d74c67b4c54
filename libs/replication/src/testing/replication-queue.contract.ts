import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import type { CopyJob, ReplicationQueue } from '../replication-queue.js';

const never = new AbortController().signal;

export interface OpenedQueue {
  readonly queue: ReplicationQueue;
  /** A second handle on the same jobs, as another process would have. */
  another(): ReplicationQueue;
  /** Loses every job that is not running, as `FLUSHALL` does. */
  lose(): Promise<void>;
  close(): Promise<void>;
}

const job = (name: string, priority = 1): CopyJob => ({ digest: digestOf(name), size: name.length, priority });

/** What every driver of the replication queue promises. */
export function describeReplicationQueue(name: string, open: () => Promise<OpenedQueue>): void {
  describe(`replication queue: ${name}`, () => {
    let opened: OpenedQueue;
    const handles: ReplicationQueue[] = [];

    beforeEach(async () => {
      opened = await open();
      handles.push(opened.queue);
    });

    afterEach(async () => {
      await Promise.all(handles.splice(0).map((queue) => queue.close(2_000)));
      await opened.close();
    });

    /** Works on `queue` and resolves to the digests handled, once there are `count`. */
    const handled = (queue: ReplicationQueue, count: number, concurrency = 1): Promise<readonly string[]> =>
      new Promise((resolve, reject) => {
        const digests: string[] = [];
        const handler = async ({ digest }: CopyJob): Promise<void> => {
          digests.push(digest);
          if (digests.length === count) resolve(digests);
        };
        queue.work(handler, { concurrency, onFailed: (_job, error) => reject(error) });
      });

    it('hands every job to a handler', async () => {
      await opened.queue.add([job('a'), job('b'), job('c')], never);
      expect([...(await handled(opened.queue, 3))].sort()).toEqual(
        ['a', 'b', 'c'].map((text) => digestOf(text)).sort(),
      );
    });

    it('keeps one job for equal digests, whoever adds them', async () => {
      const other = opened.another();
      handles.push(other);
      await opened.queue.add([job('a'), job('a')], never);
      await other.add([job('a'), job('b')], never);
      expect(await opened.queue.counts(never)).toMatchObject({ waiting: 2 });
    });

    it('runs no more at once than it is held to, and more again when it is let', async () => {
      let [running, most] = [0, 0];
      const done = new Set<string>();
      const handler = async ({ digest }: CopyJob): Promise<void> => {
        running += 1;
        most = Math.max(most, running);
        await systemClock.sleep(20, never);
        running -= 1;
        done.add(digest);
      };
      opened.queue.limit(2);
      opened.queue.work(handler, { concurrency: 6, onFailed: () => undefined });
      const names = Array.from({ length: 12 }, (_, n) => `job ${n}`);
      await opened.queue.add(
        names.map((text) => job(text)),
        never,
      );
      while (done.size < names.length) await systemClock.sleep(5, never);
      expect(most).toBeLessThanOrEqual(2);
      opened.queue.limit(6);
      await opened.queue.add(
        names.map((text) => job(`${text} again`)),
        never,
      );
      while (done.size < 2 * names.length) await systemClock.sleep(5, never);
      expect(most).toBeGreaterThan(2);
    });

    it('runs the lower priority number first', async () => {
      await opened.queue.add([job('big', 900), job('small', 1), job('middle', 30)], never);
      const order = ['small', 'middle', 'big'].map((text) => digestOf(text));
      expect(await handled(opened.queue, 3)).toEqual(order);
    });

    it('takes a job again that was done before', async () => {
      let done: () => void = () => undefined;
      const next = () =>
        new Promise<void>((resolve) => {
          done = resolve;
        });
      opened.queue.work(async () => done(), { concurrency: 1, onFailed: () => undefined });
      for (const _round of [1, 2]) {
        const again = next();
        await untilIdle(opened.queue);
        await opened.queue.add([job('a')], never);
        await again;
      }
    });

    it('tries a failing job again, then reports it, and takes it anew afterwards', async () => {
      let tries = 0;
      let healed = false;
      let succeeded: () => void = () => undefined;
      const success = new Promise<void>((resolve) => {
        succeeded = resolve;
      });
      const failure = new Promise<CopyJob>((resolve) => {
        opened.queue.work(
          async () => {
            tries += 1;
            if (!healed) throw new Error('no');
            succeeded();
          },
          { concurrency: 1, onFailed: (failed) => resolve(failed) },
        );
      });
      await opened.queue.add([job('a')], never);
      expect((await failure).digest).toBe(digestOf('a'));
      expect(tries).toBeGreaterThan(1);
      healed = true;
      await untilIdle(opened.queue);
      await opened.queue.add([job('a')], never);
      await success;
    });

    it('takes what was lost when it is told again', async () => {
      await opened.queue.add([job('a'), job('b')], never);
      await opened.lose();
      expect(await opened.queue.counts(never)).toEqual({ waiting: 0, active: 0, delayed: 0 });
      await opened.queue.add([job('a'), job('b')], never);
      expect(await handled(opened.queue, 2)).toHaveLength(2);
    });

    it('aborts running jobs when it closes, and leaves them to the next', async () => {
      let started: () => void = () => undefined;
      const running = new Promise<void>((resolve) => {
        started = resolve;
      });
      const hang = (_job: CopyJob, signal: AbortSignal): Promise<void> =>
        new Promise((_resolve, reject) => {
          started();
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      const other = opened.another();
      handles.push(other);
      other.work(hang, { concurrency: 1, onFailed: () => undefined });
      await opened.queue.add([job('a')], never);
      await running;
      await other.close(2_000);
      expect(await handled(opened.queue, 1)).toEqual([digestOf('a')]);
    });
  });
}

async function untilIdle(queue: ReplicationQueue): Promise<void> {
  for (;;) {
    const { waiting, active, delayed } = await queue.counts(never);
    if (waiting + active + delayed === 0) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
