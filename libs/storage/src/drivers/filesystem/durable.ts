import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, unlessMissing } from './filesystem-errors.js';

/** Makes the names in a directory survive a loss of power. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a directory and what is missing above it, each durably under its parent. Others may do the same just now, or
 * remove what is empty: then it is gone again, and whoever needs it finds out and makes it anew.
 */
export async function makeDirectories(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'ENOENT')) throw error;
    await makeDirectories(dirname(path));
    return await makeDirectories(path);
  }
  await unlessMissing(syncDirectory(dirname(path)));
}

/** Creates a file that must not exist, hands it to `fill`, and makes its bytes durable with one fsync. */
export async function writeNewFile<T>(path: string, fill: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'wx', 0o644);
  try {
    const result = await fill(file);
    await file.sync();
    return result;
  } finally {
    await file.close();
  }
}

/** `write` may take fewer bytes than it is given. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at);
    at += bytesWritten;
  }
}

/** A name without bytes: it says what it says by being there. */
export async function touchNew(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  await file.close();
}
