import type { ByteRange, ListRequest, ObjectStat, PutCondition, StoredPart } from './object-store.js';
import { StorageError, type StorageErrorContext } from './storage-error.js';

/** S3 has room for 1,024; drivers may need a few for themselves. */
const MAX_KEY_BYTES = 1000;
/** What file systems have room for, and so the servers that keep objects as files. */
export const MAX_KEY_PART_BYTES = 255;
const MAX_LIST = 1000;
/** S3: the most parts that one upload may have. */
const MAX_PARTS = 10_000;

/** What {@link ObjectStore.read} reads when it is not told: a manifest is at most 4 MiB, a journal batch less. */
export const DEFAULT_MAX_READ_BYTES = 16 * 1024 * 1024;

/** The port's rules for keys, the same in every driver, so that none accepts what another refuses. */
export function checkKey(key: string, context: StorageErrorContext): void {
  const problem = keyProblem(key);
  if (problem !== undefined) throw new StorageError('invalid', context, { message: problem });
}

/** Short keys of these characters, no part of which is empty or begins with a dot, break none of the rules: nearly all are so. */
const PLAIN_KEY = /^[\w@:=-][\w.@:=-]*(?:\/[\w@:=-][\w.@:=-]*)*$/;

function keyProblem(key: string): string | undefined {
  if (key.length <= MAX_KEY_PART_BYTES && PLAIN_KEY.test(key)) return undefined;
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `a key holds at most ${MAX_KEY_BYTES} bytes`;
  if (/[\0-!\x7f]/.test(key)) return 'a key holds no control character, no space and no `!`';
  if (/\p{Surrogate}/u.test(key)) return 'a key is well-formed Unicode';
  for (const part of key.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'a part of a key is not empty, `.` or `..`';
    if (Buffer.byteLength(part) > MAX_KEY_PART_BYTES)
      return `a part of a key holds at most ${MAX_KEY_PART_BYTES} bytes`;
  }
  return undefined;
}

export function checkListRequest({ limit }: ListRequest, context: StorageErrorContext): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST) {
    throw new StorageError('invalid', context, { message: `a page holds 1 to ${MAX_LIST} objects` });
  }
}

export function checkCondition(
  condition: PutCondition | undefined,
  current: { readonly etag: string } | undefined,
  context: StorageErrorContext,
): void {
  if (condition === undefined) return;
  const holds = condition.kind === 'absent' ? current === undefined : current?.etag === condition.etag;
  if (!holds) throw new StorageError('precondition_failed', context);
}

/** The first and last byte to send of an object that holds `size`; a range must begin inside it. */
export function resolveRange(
  range: ByteRange | undefined,
  size: number,
  context: StorageErrorContext,
): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: size - 1 };
  const end = Math.min(range.end ?? size - 1, size - 1);
  const sound = Number.isInteger(range.start) && Number.isInteger(end) && range.start >= 0;
  if (!sound || range.start >= size || end < range.start) {
    throw new StorageError('invalid_range', context, { message: `the object holds ${size} bytes` });
  }
  return { start: range.start, end };
}

export function checkReadSize(stat: ObjectStat, maxBytes: number, context: StorageErrorContext): void {
  if (stat.size <= maxBytes) return;
  throw new StorageError('too_large', context, { message: `it holds ${stat.size} bytes, more than ${maxBytes}` });
}

export function checkPartNumber(number: number, context: StorageErrorContext): void {
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw new StorageError('invalid', context, { message: `parts are numbered 1 to ${MAX_PARTS}` });
  }
}

/** Parts that make an object: numbered from 1 without gaps, each beginning where the one before it ended. */
export function checkPartList(
  parts: readonly StoredPart[],
  minPartBytes: number,
  context: StorageErrorContext,
): { readonly size: number } {
  if (parts.length === 0) throw new StorageError('invalid', context, { message: 'an upload needs a part' });
  let size = 0;
  for (const [index, part] of parts.entries()) {
    checkPartNumber(part.number, context);
    const last = index === parts.length - 1;
    if (part.number !== index + 1 || part.offset !== size || (!last && part.size < minPartBytes)) {
      throw new StorageError('invalid', context, { message: `part ${part.number} does not follow the one before it` });
    }
    size += part.size;
  }
  return { size };
}
