import * as fs from 'node:fs';
import { rm, rmdir, unlink } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasCode, unlessMissing } from './filesystem-errors.js';
import { isMarker, isParts, markerName, parseMarker, type Version } from './version.js';

const rename = promisify(fs.rename);

/** What the directory of a key that is present held. */
export interface KeySnapshot {
  readonly current: Version;
  /** The names of contents: of the current version, of past ones, of ones that somebody hopes to make current. */
  readonly contents: readonly string[];
}

/** Reads a key's directory; `undefined` is an absent key. */
export async function readKeyDirectory(path: string): Promise<KeySnapshot | undefined> {
  for (;;) {
    const names = await namesIn(path);
    if (names === undefined) return undefined;
    const [marker, ...more] = names.filter(isMarker);
    const current = marker === undefined ? undefined : parseMarker(marker);
    if (current !== undefined && more.length === 0) {
      return { current, contents: names.filter((name) => !isMarker(name)) };
    }
    if (current === undefined && names.length > 0 && marker !== undefined) {
      throw new Error(`${path} holds a name that this driver did not give: ${marker}`);
    }
    // The directory was taken away, or its marker renamed, while its names were read: look again.
    await setImmediate();
  }
}

/** Most keys that are looked for are absent: to throw what says so, and catch it, costs more than the look. */
function namesIn(path: string): Promise<readonly string[] | undefined> {
  return new Promise((resolve, reject) => {
    fs.readdir(path, (error, names) => {
      if (error === null) resolve(names);
      else if (hasCode(error, 'ENOENT', 'ENOTDIR')) resolve(undefined);
      else reject(error);
    });
  });
}

/** Tries to make `next` current in place of `current`. False if `current` was not current any more. */
export async function replaceMarker(path: string, current: Version, next: Version): Promise<boolean> {
  const renamed = rename(`${path}/${markerName(current)}`, `${path}/${markerName(next)}`);
  return (await unlessMissing(renamed.then(() => true))) ?? false;
}

/** Tries to make a prepared directory the key's. `not_found`: it, or the directory for it, is not there (any more). */
export async function installKeyDirectory(
  prepared: string,
  path: string,
): Promise<'installed' | 'occupied' | 'not_found'> {
  try {
    await rename(prepared, path);
    return 'installed';
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return 'occupied';
    if (hasCode(error, 'ENOENT')) return 'not_found';
    throw error;
  }
}

/** Removes contents that no version can ever need again: see the proof in `filesystem-object-store.ts`. */
export async function removeContents(path: string, contents: readonly string[]): Promise<void> {
  for (const name of contents) {
    if (isParts(name)) await rm(`${path}/${name}`, { recursive: true, force: true });
    else await unlessMissing(unlink(`${path}/${name}`));
  }
}

/** Removes directories while they are empty. Somebody may put something into one just now, and then it stays. */
export async function pruneEmpty(directories: Iterable<string>): Promise<void> {
  for (const path of directories) {
    try {
      await rmdir(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue;
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return;
      throw error;
    }
  }
}
