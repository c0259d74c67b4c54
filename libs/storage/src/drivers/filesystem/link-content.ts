import * as fs from 'node:fs';
import { readlink, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasCode, unlessMissing } from './filesystem-errors.js';

const symlink = promisify(fs.symlink) as (target: Uint8Array, path: string) => Promise<void>;

/** What every file system in use has room for in a link: the least is 1,023 bytes (XFS); most have 4,095. */
export const SURE_BYTES = 1_000;
const MOST_BYTES = 4_000;

/** So that what is stored is never the name of anything, whoever follows it. */
const SIGN = Buffer.from(':');

/**
 * Whether the bytes can be kept as what a link leads to. Most of what a registry stores is that small: tags, links, records
 * of large blobs, entries. A link is made in one step, and is durable with the name that it has, so such bytes need
 * neither a file to be opened, written and closed, nor a synchronisation of their own.
 */
export function fitsIntoLink(bytes: Uint8Array, longest: number): boolean {
  return bytes.byteLength <= longest && !bytes.includes(0);
}

/** How much can be kept as what a link leads to where `path` is, at which there must be nothing. */
export async function longestLink(path: string): Promise<number> {
  try {
    await writeLink(path, Buffer.alloc(MOST_BYTES, 'x'));
  } catch (error) {
    if (hasCode(error, 'ENAMETOOLONG')) return SURE_BYTES;
    throw error;
  }
  await unlink(path);
  return MOST_BYTES;
}

export async function writeLink(path: string, bytes: Uint8Array): Promise<void> {
  await symlink(Buffer.concat([SIGN, bytes]), path);
}

/** What {@link writeLink} was given, or `undefined` if nothing is there. */
export async function readLink(path: string): Promise<Uint8Array | undefined> {
  const target = await unlessMissing(readlink(path, { encoding: 'buffer' }));
  return target?.subarray(SIGN.byteLength);
}
