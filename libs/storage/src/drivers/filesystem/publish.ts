import { link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkCondition } from '../../check-request.js';
import type { PutCondition } from '../../object-store.js';
import type { StorageErrorContext } from '../../storage-error.js';
import { createSole } from './create-sole.js';
import { makeDirectories, syncDirectory } from './durable.js';
import { hasCode, unlessMissing } from './filesystem-errors.js';
import { installKeyDirectory, pruneEmpty, removeContents, replaceMarker } from './key-directory.js';
import {
  type DirectorySnapshot,
  hasFollowers,
  isStillAt,
  type KeySnapshot,
  readPlace,
  type SoleSnapshot,
  soleVersionAt,
} from './key-place.js';
import { followersOf, followersUnder, type Layout } from './layout.js';
import { type Prepared, placeBytes, type Workbench } from './prepare.js';
import { contentName, isMarker, partsName, type Version, type VersionFacts } from './version.js';

/** What a new version is published under: only if the key is absent, or in any case. */
export type CreateCondition = Extract<PutCondition, { readonly kind: 'absent' }>;

/** A directory of versions, as it was seen. */
type ReplaceableDirectory = Pick<DirectorySnapshot, 'path' | 'current' | 'contents'>;

/** Makes new versions the current ones of keys, each in one step, durably. */
export class Publisher {
  constructor(
    private readonly layout: Layout,
    private readonly bench: Workbench,
  ) {}

  /**
   * Makes a prepared version the current one of a key if the condition holds; for a key that is probably absent. The
   * prepared directory is used up then, and still there if this throws.
   */
  async publish(
    prepared: Prepared,
    place: string,
    condition: CreateCondition | undefined,
    context: StorageErrorContext,
  ): Promise<VersionFacts> {
    for (let snapshot: KeySnapshot | undefined; ; snapshot = await readPlace(place)) {
      checkCondition(condition, snapshot && { etag: snapshot.current.id }, context);
      const made = await this.#attempt(prepared, place, snapshot);
      if (made !== undefined) return made;
      // Somebody else was quicker, so the store as a whole went forward: look at what is true now.
    }
  }

  /**
   * Writes bytes as the first version of a key, or as the next one. `undefined` if what was seen of the key is not true any
   * more.
   */
  async write(bytes: Uint8Array, place: string, snapshot: KeySnapshot | undefined): Promise<VersionFacts | undefined> {
    if (snapshot === undefined) return await createSole(bytes, place, this.bench);
    const directory = await this.#directoryOf(place, snapshot);
    return directory && (await replaceWith(bytes, this.bench.versionOf(bytes), directory));
  }

  async #attempt(
    prepared: Prepared,
    place: string,
    snapshot: KeySnapshot | undefined,
  ): Promise<VersionFacts | undefined> {
    if (snapshot === undefined) return (await install(prepared, place)) ? prepared.version : undefined;
    const directory = await this.#directoryOf(place, snapshot);
    return directory && (await replace(prepared, directory));
  }

  /** Where the next version goes. `undefined` if what was seen of the key is not true any more. */
  async #directoryOf(place: string, snapshot: KeySnapshot): Promise<ReplaceableDirectory | undefined> {
    if (snapshot.kind === 'directory') return snapshot;
    const path = followersOf(place, snapshot.current.id);
    return snapshot.directory ? { path, ...snapshot.directory } : await this.#makeFollowers(place, path, snapshot);
  }

  /**
   * Makes the directory in which others may follow a sole version, with a marker of that one in it that no other directory
   * has. If the key was deleted before, what is made here is nobody's: all who would use it look at the place once more.
   */
  async #makeFollowers(place: string, path: string, sole: SoleSnapshot): Promise<ReplaceableDirectory | undefined> {
    const prepared = await this.bench.forFollowers(sole.current);
    const installed = await install(prepared, path).catch(async (error: unknown) => {
      await this.bench.remove(prepared.path);
      throw error;
    });
    if (!installed) {
      await this.bench.remove(prepared.path);
      return undefined;
    }
    if (await isStillAt(place, sole)) return { path, current: prepared.version, contents: [] };
    await this.#forget(place, sole.current);
    await pruneEmpty(this.layout.emptiedBy(place));
    return undefined;
  }

  /** Takes away whatever is current, durably. Nothing if the key is absent. */
  async remove(place: string): Promise<void> {
    const taken = await this.bench.takeAway(place);
    if (taken !== undefined) {
      const sole = hasFollowers(place) ? await soleVersionAt(taken) : undefined;
      if (sole !== undefined) await this.#forget(place, sole);
      await this.bench.remove(taken);
    }
    await pruneEmpty(this.layout.emptiedBy(place));
  }

  /** Removes what followed a sole version that is at its place no more. */
  async #forget(place: string, { id }: VersionFacts): Promise<void> {
    await this.bench.discard(followersOf(place, id));
    await pruneEmpty([followersUnder(place)]);
  }
}

/**
 * Writes bytes as the next version of a directory, in one step, durably. The bytes go where they are to stay, and who
 * replaces the version meanwhile removes them.
 */
async function replaceWith(
  bytes: Uint8Array,
  draft: Version,
  { path, current, contents }: ReplaceableDirectory,
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

/** Makes a prepared directory that of a key, or of followers. False if there is one. */
export async function install({ path: prepared }: Prepared, path: string): Promise<boolean> {
  for (;;) {
    const outcome = await installKeyDirectory(prepared, path);
    if (outcome === 'occupied') return false;
    if (outcome === 'installed') break;
    await stat(prepared); // Gone? Then there is nothing to try again with.
    await makeDirectories(dirname(path));
  }
  // The directory may be gone again if somebody deleted the key just now.
  await unlessMissing(syncDirectory(dirname(path)));
  return true;
}

async function replace(
  { path: prepared, version }: Prepared,
  { path, current, contents }: ReplaceableDirectory,
): Promise<Version | undefined> {
  const next: Version = { ...version, predecessor: current.id };
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
