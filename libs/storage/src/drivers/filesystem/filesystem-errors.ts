import type { StorageErrorCode } from '../../storage-error.js';

const CODES: Readonly<Record<string, StorageErrorCode>> = {
  ENOSPC: 'out_of_space',
  EDQUOT: 'out_of_space',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EMFILE: 'throttled',
  ENFILE: 'throttled',
  ENAMETOOLONG: 'invalid',
};

/** What an error of the file system means to a store's caller. The only place that decides it. */
export function translateFilesystemError(error: unknown): StorageErrorCode {
  return CODES[errorCode(error) ?? ''] ?? 'unavailable';
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(errorCode(error) ?? '');
}

function errorCode(error: unknown): string | undefined {
  const coded = typeof error === 'object' && error !== null && 'code' in error;
  return coded && typeof error.code === 'string' ? error.code : undefined;
}

/** The result, or `undefined` if what was to be touched is not there. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
