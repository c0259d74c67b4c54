import { link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkCondition } from '../../check-request.js';
import type { PutCondition } from '../../object-store.js';
import type { StorageErrorContext } from '../../storage-error.js';
import { makeDirectories, syncDirectory } from './durable.js';
import { hasCode, unlessMissing } from './filesystem-errors.js';
import {
  installKeyDirectory,
  type KeySnapshot,
  readKeyDirectory,
  removeContents,
  replaceMarker,
} from './key-directory.js';
import { type Prepared, placeBytes } from './prepare.js';
import { contentName, inPlaceOf, isMarker, markerName, partsName, type Version } from './version.js';

/** What a new version is published under: only if the key is absent, or in any case. */
export type CreateCondition = Extract<PutCondition, { readonly kind: 'absent' }>;

/**
 * Makes a prepared version the current one of a key if the condition holds, in one step, durably; for a key that is
 * probably absent. Returns the version as it became current; the prepared directory is used up then, and still there if
 * this throws.
 */
export async function publish(
  prepared: Prepared,
  path: string,
  condition: CreateCondition | undefined,
  context: StorageErrorContext,
): Promise<Version> {
  for (let snapshot: KeySnapshot | undefined; ; snapshot = await readKeyDirectory(path)) {
    checkCondition(condition, snapshot && { etag: snapshot.current.id }, context);
    const made = snapshot ? await replace(prepared, path, snapshot) : await create(prepared, path);
    if (made !== undefined) return made;
    // Somebody else was quicker, so the store as a whole went forward: look at what is true now.
  }
}

/**
 * Writes bytes as the next version of a key that is present, in one step, durably. `undefined` if what was seen of the
 * key is not true any more. The bytes go where they are to stay, and who replaces the key meanwhile removes them.
 */
export async function replaceWith(
  bytes: Uint8Array,
  draft: Version,
  path: string,
  { current, contents }: KeySnapshot,
): Promise<Version | undefined> {
  const next: Version = { ...draft, predecessor: current.id };
  const leave = () => removeContents(path, [contentName(next)]);
  try {
    await placeBytes(path, next, bytes);
  } catch (error) {
    await leave();
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  if (!(await replaceMarker(path, current, next))) {
    await leave();
    return undefined;
  }
  await unlessMissing(syncDirectory(path));
  await removeContents(path, contents);
  return next;
}

async function create({ path: prepared, version }: Prepared, path: string): Promise<Version | undefined> {
  const outcome = await installKeyDirectory(prepared, path);
  if (outcome === 'occupied') return undefined;
  if (outcome === 'not_found') {
    await stat(prepared); // Gone? Then there is nothing to try again with.
    await makeDirectories(dirname(path));
    return undefined;
  }
  // The directory may be gone again if somebody deleted the key just now.
  await unlessMissing(syncDirectory(dirname(path)));
  return version;
}

async function replace(
  { path: prepared, version }: Prepared,
  path: string,
  { current, contents }: KeySnapshot,
): Promise<Version | undefined> {
  const next = inPlaceOf(current, version);
  const placed = await placeContents(prepared, path, version, next);
  if (!placed || !(await replaceMarker(path, current, next))) {
    await removeContents(path, [contentName(next), partsName(next)]);
    return undefined;
  }
  await unlessMissing(syncDirectory(path));
  await removeContents(path, contents);
  await rm(prepared, { recursive: true, force: true });
  return next;
}

/** Links what was prepared into the key's directory, under the names that `next` will look for. */
async function placeContents(prepared: string, path: string, version: Version, next: Version): Promise<boolean> {
  const renamed = new Map([
    [contentName(version), contentName(next)],
    [partsName(version), partsName(next)],
  ]);
  try {
    if (version.shape === 'marker') await link(`${prepared}/${markerName(version)}`, `${path}/${contentName(next)}`);
    for (const name of await readdir(prepared)) {
      if (isMarker(name)) continue;
      const target = `${path}/${renamed.get(name) ?? name}`;
      if (name === partsName(version)) await linkFiles(`${prepared}/${name}`, target);
      else await link(`${prepared}/${name}`, target);
    }
    return true;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await stat(prepared);
    return false;
  }
}

async function linkFiles(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await readdir(from)) await link(`${from}/${name}`, `${to}/${name}`);
  await syncDirectory(to);
}
