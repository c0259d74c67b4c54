import { mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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
  // The store makes its folder by itself; until then its disk is not known.
  const storeBytes = await freeBytesOf(storage.directory).catch(() => Number.POSITIVE_INFINITY);
  if (storeBytes < least)
    log.warn(
      { directory: storage.directory, freeBytes: storeBytes },
      'the disk of the store is almost full: pushes will fail',
    );
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

const megabytes = (bytes: number): string => `${Math.floor(bytes / BYTES_PER_MB)} MB`;
