/**
 * What can go wrong in a store. `retryable`: the same call may succeed later. `effect`: whether a write may have
 * happened all the same; after `unknown`, a writer must look before it decides.
 */
export const STORAGE_ERROR_CODES = {
  precondition_failed: { retryable: false, effect: 'none' },
  conflict: { retryable: true, effect: 'unknown' },
  throttled: { retryable: true, effect: 'none' },
  unavailable: { retryable: true, effect: 'unknown' },
  out_of_space: { retryable: true, effect: 'none' },
  no_such_upload: { retryable: false, effect: 'none' },
  invalid_range: { retryable: false, effect: 'none' },
  too_large: { retryable: false, effect: 'none' },
  invalid: { retryable: false, effect: 'none' },
  denied: { retryable: false, effect: 'none' },
} as const satisfies Record<string, { readonly retryable: boolean; readonly effect: 'none' | 'unknown' }>;

export type StorageErrorCode = keyof typeof STORAGE_ERROR_CODES;

export interface StorageErrorContext {
  readonly driver: string;
  readonly operation: string;
  readonly key?: string;
}

export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly retryable: boolean;
  readonly effect: 'none' | 'unknown';

  constructor(
    readonly code: StorageErrorCode,
    readonly context: StorageErrorContext,
    options: { readonly cause?: unknown; readonly message?: string } = {},
  ) {
    const where = context.key === undefined ? '' : ` ${context.key}`;
    const why = options.message === undefined ? '' : `: ${options.message}`;
    super(`${context.driver} ${context.operation}${where}: ${code}${why}`, { cause: options.cause });
    this.retryable = STORAGE_ERROR_CODES[code].retryable;
    this.effect = STORAGE_ERROR_CODES[code].effect;
  }
}

export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  return error instanceof StorageError && (code === undefined || error.code === code);
}
