import { LockManager } from 'bullmq';

/**
 * Renews the locks of the jobs that run, and does nothing while none does: BullMQ's own wakes an idle process again and
 * again to find that there is no lock to renew.
 */
export class LockKeeper extends LockManager {
  override start(): void {
    if (this.getActiveJobCount() > 0 && !this.isRunning()) super.start();
  }

  override trackJob(...job: Parameters<LockManager['trackJob']>): ReturnType<LockManager['trackJob']> {
    const tracked = super.trackJob(...job);
    this.start();
    return tracked;
  }

  override untrackJob(jobId: string): void {
    super.untrackJob(jobId);
    this.#rest();
  }

  /** Whoever called sets the next timer when this is done, also if the last job ended meanwhile. */
  protected override async extendLocks(jobIds: string[]): Promise<void> {
    await super.extendLocks(jobIds);
    setImmediate(() => this.#rest());
  }

  #rest(): void {
    if (this.getActiveJobCount() > 0) return;
    clearTimeout(this.lockRenewalTimer);
    delete this.lockRenewalTimer;
  }
}
