import { compareKeys } from '../../key-order.js';
import type { ListRequest } from '../../object-store.js';
import { toBucketKey } from './bucket-keys.js';

/** One question to the store: names that begin with `prefix` and come after `startAfter`. */
export interface NameRange {
  readonly prefix: string;
  readonly startAfter?: string;
}

/** What comes next after `/`, so `a0` is after everything below `a/` and before the next name. */
const AFTER_SLASH = '0';

/**
 * The ranges that together hold the names wanted, in order: what is left in the directory of `startAfter`, then what is
 * left in the directory above it, up to the prefix.
 *
 * One question would do for S3. MinIO, asked for what comes after `a/b`, also walks `a-b`, `a.c` and whatever else begins
 * with `a` and comes before `a/`, counts it towards the page, drops it, and then says that there is no more. Asked
 * directory by directory it has nothing to drop.
 */
export function listRanges({ prefix, startAfter }: Pick<ListRequest, 'prefix' | 'startAfter'>): readonly NameRange[] {
  if (startAfter === undefined || compareKeys(startAfter, prefix) < 0) return [{ prefix }];
  if (!startAfter.startsWith(prefix)) return [];
  const ranges: NameRange[] = [];
  const top = directoryOf(prefix).length;
  let after = toBucketKey(startAfter);
  for (let directory = directoryOf(startAfter); ; directory = directoryOf(directory.slice(0, -1))) {
    ranges.push({ prefix: directory.length > prefix.length ? directory : prefix, startAfter: after });
    if (directory.length <= top) return ranges;
    after = `${directory.slice(0, -1)}${AFTER_SLASH}`;
  }
}

/** Up to the last `/` and with it; empty for a name at the top. */
function directoryOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/') + 1);
}
