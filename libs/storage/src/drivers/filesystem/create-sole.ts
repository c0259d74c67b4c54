import * as fs from 'node:fs';
import { link, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { makeDirectories, syncDirectory } from './durable.js';
import { hasCode, unlessMissing } from './filesystem-errors.js';
import type { Workbench } from './prepare.js';
import { formatHeader } from './sole-version.js';
import type { VersionFacts } from './version.js';

const symlink = promisify(fs.symlink) as (target: Uint8Array, path: string) => Promise<void>;

/**
 * Makes bytes the only version of a key that is absent, in one step, durably: as what a link leads to if they fit, as a file
 * otherwise. One name costs a file system a fraction of what a directory with names does. `undefined` if the key is present.
 */
export async function createSole(
  bytes: Uint8Array,
  place: string,
  bench: Workbench,
): Promise<VersionFacts | undefined> {
  const version = bench.soleVersion(bytes.byteLength);
  const held = Buffer.concat([formatHeader(version), bytes]);
  const made = bench.fitsIntoSoleLink(bytes) ? await createLink(held, place) : await createFile(held, place, bench);
  return made ? version : undefined;
}

async function createLink(held: Uint8Array, place: string): Promise<boolean> {
  const made = await nameNew(place, () => symlink(held, place));
  if (made) await syncName(place);
  return made;
}

/** Written and synchronised elsewhere, then named: nobody ever sees a part of it. */
async function createFile(held: Uint8Array, place: string, bench: Workbench): Promise<boolean> {
  const prepared = await bench.fileFrom(held);
  const clear = () => rm(prepared, { force: true });
  try {
    const made = await nameNew(
      place,
      () => link(prepared, place),
      () => stat(prepared), // Gone? Then there is nothing to try again with.
    );
    await Promise.all([clear(), made ? syncName(place) : undefined]);
    return made;
  } catch (error) {
    await clear();
    throw error;
  }
}

/** Gives a name that must be new. False if it is there. `check` is asked whether it is worth to make its directory. */
async function nameNew(
  place: string,
  name: () => Promise<void>,
  check: () => Promise<unknown> = () => Promise.resolve(),
): Promise<boolean> {
  for (;;) {
    try {
      await name();
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      if (!hasCode(error, 'ENOENT')) throw error;
      await check();
      await makeDirectories(dirname(place));
    }
  }
}

/** The directory may be gone again if somebody deleted the key just now. */
async function syncName(place: string): Promise<void> {
  await unlessMissing(syncDirectory(dirname(place)));
}
