import * as fs from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { hasCode, unlessMissing } from './filesystem-errors.js';

const fsync = promisify(fs.fsync);
const fdatasync = promisify(fs.fdatasync);
const create = promisify(fs.open);
const write = promisify(fs.write);
const symlink = promisify(fs.symlink) as (target: string, path: string) => Promise<void>;

/** For each directory the synchronisation that has not begun yet, and the one that runs. Kept no longer than that. */
const waiting = new Map<string, Promise<void>>();
const running = new Map<string, Promise<void>>();

/**
 * Makes the names in a directory survive a loss of power: all that were there when this was called. One synchronisation
 * serves everybody who asked before it began, so many writers in one directory pay for two at a time and not for many.
 */
export function syncDirectory(path: string): Promise<void> {
  const joined = waiting.get(path);
  if (joined !== undefined) return joined;
  const next = (running.get(path) ?? Promise.resolve())
    .catch(() => undefined)
    .then(() => {
      waiting.delete(path);
      const synced = syncNow(path).finally(() => {
        if (running.get(path) === synced) running.delete(path);
      });
      running.set(path, synced);
      return synced;
    });
  waiting.set(path, next);
  return next;
}

/**
 * To open a directory that was just changed and to close a file never waits for the disk, and a turn through the thread
 * pool costs more than either.
 */
async function syncNow(path: string): Promise<void> {
  const directory = fs.openSync(path, 'r');
  try {
    await fsync(directory);
  } finally {
    fs.closeSync(directory);
  }
}

/**
 * Makes a directory and what is missing above it, each durably under its parent. Others may do the same just now, or
 * remove what is empty: then it is gone again, and whoever needs it finds out and makes it anew.
 */
export async function makeDirectories(path: string): Promise<void> {
  const made: string[] = [];
  await makeMissing(path, made);
  await Promise.all(made.map((directory) => unlessMissing(syncDirectory(dirname(directory)))));
}

async function makeMissing(path: string, made: string[]): Promise<void> {
  try {
    await mkdir(path);
    made.push(path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'ENOENT')) throw error;
    await makeMissing(dirname(path), made);
    await makeMissing(path, made);
  }
}

/**
 * Creates a file that must not exist, hands it to `fill`, and makes its bytes durable, and its length with them; `alongside`
 * as in {@link writeNewBytes}.
 */
export async function writeNewFile<T>(
  path: string,
  fill: (file: FileHandle) => Promise<T>,
  alongside: (result: T) => Promise<void> = () => Promise.resolve(),
): Promise<T> {
  const file = await open(path, 'wx', 0o644);
  try {
    const result = await fill(file);
    await bothOf(file.datasync(), alongside(result));
    return result;
  } finally {
    await file.close();
  }
}

/**
 * The same for bytes that are there already. `alongside` begins once they are written, and both have ended when this
 * settles: two synchronisations that the file system does in one turn cost as much as one.
 */
export async function writeNewBytes(
  path: string,
  bytes: Uint8Array,
  alongside: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const file = await create(path, 'wx', 0o644);
  try {
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytesWritten } = await write(file, bytes, at, bytes.byteLength - at);
      at += bytesWritten;
    }
    await bothOf(fdatasync(file), alongside());
  } finally {
    fs.closeSync(file);
  }
}

/** Both have ended when this settles. */
async function bothOf(one: Promise<void>, other: Promise<void>): Promise<void> {
  for (const outcome of await Promise.allSettled([one, other])) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** `write` may take fewer bytes than it is given. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at);
    at += bytesWritten;
  }
}

/** A name without bytes: it says what it says by being there. A link that leads nowhere is made in one step. */
export async function touchNew(path: string): Promise<void> {
  await symlink('nothing', path);
}
