import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Writes out what a directory's file system still holds in memory, so that the next sample does not pay for this one. */
export async function syncDisk(directory: string): Promise<void> {
  await promisify(execFile)('sync', ['-f', directory]);
}
