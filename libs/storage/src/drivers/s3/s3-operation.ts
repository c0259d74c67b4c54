import type { Clock, Random } from '#libs/resilience';
import { checkKey } from '../../check-request.js';
import { runOperation } from '../../operation.js';
import { isStorageError, type StorageErrorContext } from '../../storage-error.js';
import { translateS3Error } from './s3-errors.js';
import { DRIVER } from './s3-options.js';

const MAX_ATTEMPTS = 3;
const FIRST_DELAY_MS = 50;
/** A request that took longer to fail is not repeated here: its caller has waited enough and may know better. */
const PATIENCE_MS = 5000;

export type Work<T> = (context: StorageErrorContext) => Promise<T>;

/** How the driver runs an operation: once, or, where doing it twice is the same as doing it once, again after a failure. */
export class S3Operations {
  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  once<T>(operation: string, key: string | undefined, signal: AbortSignal, work: Work<T>): Promise<T> {
    const context = { driver: DRIVER, operation, ...(key !== undefined && { key }) };
    return runOperation(context, signal, translateS3Error, async () => {
      if (key !== undefined) checkKey(key, context);
      return await work(context);
    });
  }

  async repeatable<T>(operation: string, key: string | undefined, signal: AbortSignal, work: Work<T>): Promise<T> {
    const deadline = this.clock.monotonic() + PATIENCE_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(operation, key, signal, work);
      } catch (error) {
        const passing = isStorageError(error, 'unavailable') || isStorageError(error, 'throttled');
        if (!passing || attempt === MAX_ATTEMPTS || this.clock.monotonic() > deadline) throw error;
        await this.clock.sleep(FIRST_DELAY_MS * 2 ** attempt * this.random.next(), signal);
      }
    }
  }
}
