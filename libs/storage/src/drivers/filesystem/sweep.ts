import { lstat, readdir, rm } from 'node:fs/promises';
import { unlessMissing } from './filesystem-errors.js';

/** Older than any operation can be: what is still in the temporary directory then was left by a crash. */
const STALE_MS = 24 * 60 * 60 * 1000;

/** Removes what crashes left in the temporary directory, and nothing that anybody may still be working on. */
export async function sweepTemporary(directory: string, nowMs: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = `${directory}/${name}`;
    const touchedMs = await unlessMissing(lastTouched(path));
    if (touchedMs !== undefined && nowMs - touchedMs > STALE_MS) await rm(path, { recursive: true, force: true });
  }
}

/** The age of a file that is being written shows on the file, not on its directory. A link leads nowhere: it is looked at itself. */
async function lastTouched(path: string): Promise<number> {
  const own = await lstat(path);
  const ownMs = Math.max(own.mtimeMs, own.ctimeMs);
  if (!own.isDirectory()) return ownMs;
  const inside = await Promise.all((await readdir(path)).map((name) => unlessMissing(lstat(`${path}/${name}`))));
  return Math.max(ownMs, ...inside.map((found) => found?.mtimeMs ?? 0));
}
