import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of the content that a bucket in a directory holds: of blobs, of what was given up, of what is on its way. */
export function dataBytes(bucket: string): Promise<number> {
  return bytesBelow(join(bucket, 'objects', 'd', 'data'));
}

/** What goes meanwhile is not there. */
async function bytesBelow(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) return found.size;
    const names = await readdir(path);
    const sizes = await Promise.all(names.map((name) => bytesBelow(join(path, name))));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
