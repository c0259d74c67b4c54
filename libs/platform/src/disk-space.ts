import { mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { Config } from './config.js';
import type { Logger } from './logger.js';

const BYTES_PER_MB = 1_000_000;

/**
 * Looks at the disks that a process of a region writes to, before it begins.
 *
 * What waits on disk for a client or a copy needs room, and whoever gave it none has given it the wrong folder: the process
 * must not look as if it worked. A store that is full is another matter: pulls and collections go on, and only those make room.
 * @throws TypeError where `blobs.spoolDirectory` has less than `blobs.spoolLeastFreeBytes`
 */
export async function requireDiskSpace({ blobs, storage }: Config, log: Pick<Logger, 'warn'>): Promise<void> {
  const least = blobs.spoolLeastFreeBytes;
  const spool = blobs.spoolDirectory ?? tmpdir();
  // Which process of a region comes first to a folder that is new is chance.
  await mkdir(spool, { recursive: true, mode: 0o700 });
  const freeBytes = await freeBytesOf(spool);
  if (freeBytes < least)
    throw new TypeError(
      `${spool} has ${megabytes(freeBytes)} free, and ${megabytes(least)} are needed for blobs that wait there: make room, or set blobs.spoolDirectory or blobs.spoolLeastFreeBytes`,
    );
  if (storage?.driver !== 'filesystem') return;
  const storeBytes = await freeBytesOf(storage.directory);
  if (storeBytes < least)
    log.warn(
      { directory: storage.directory, freeBytes: storeBytes },
      'the disk of the store is almost full: pushes will fail',
    );
}

/** Of the disk that the folder is on, or will be on: a process makes its folders when it first needs them. */
async function freeBytesOf(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    const above = dirname(directory);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === directory) throw error;
    return freeBytesOf(above);
  }
}

const megabytes = (bytes: number): string => `${Math.floor(bytes / BYTES_PER_MB)} MB`;
