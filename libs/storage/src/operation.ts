import { StorageError, type StorageErrorCode, type StorageErrorContext } from './storage-error.js';

/** What every driver does around its work: refuse what was aborted, and let nothing out but a `StorageError`. */
export async function runOperation<T>(
  context: StorageErrorContext,
  signal: AbortSignal,
  translate: (error: unknown) => StorageErrorCode,
  work: () => T | Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StorageError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new StorageError(translate(error), context, { cause: error, message });
  }
}
