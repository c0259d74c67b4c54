import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of the content that a bucket in a directory holds: of blobs, of what was given up, of what is on its way. */
export async function dataBytes(bucket: string): Promise<number> {
  const folder = join(bucket, 'objects', 'd', 'data');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(({ parentPath, name }) => sizeOf(join(parentPath, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A file that goes meanwhile is none. */
async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
