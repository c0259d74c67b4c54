import { type LockManagerWorkerContext, Worker } from 'bullmq';
import { LockKeeper } from './lock-keeper.js';

/** BullMQ's worker, which leaves its process alone while there is nothing to do. */
export class CopyWorker extends Worker {
  protected override createLockManager(): void {
    const { lockRenewTime, lockDuration, name } = this.opts;
    if (lockRenewTime === undefined || lockDuration === undefined) throw new Error('a worker without locks');
    // It is what BullMQ hands over itself; its two declarations of `trace` differ in what may be promised.
    const worker = this as unknown as LockManagerWorkerContext;
    const named = name === undefined ? {} : { workerName: name };
    this.lockManager = new LockKeeper(worker, { lockRenewTime, lockDuration, workerId: this.id, ...named });
  }
}
