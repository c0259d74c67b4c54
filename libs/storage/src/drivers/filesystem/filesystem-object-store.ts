import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Clock, Random } from '#libs/resilience';
import {
  checkCondition,
  checkKey,
  checkListRequest,
  checkReadSize,
  DEFAULT_MAX_READ_BYTES,
  resolveRange,
} from '../../check-request.js';
import type {
  ByteRange,
  ListPage,
  ListRequest,
  ObjectStat,
  ObjectStore,
  OpenedObject,
  PutCondition,
  StoredObject,
} from '../../object-store.js';
import { runOperation } from '../../operation.js';
import { withSource } from '../../source-stream.js';
import type { StorageErrorContext } from '../../storage-error.js';
import { AbsentNames } from './absent-names.js';
import { openContent, readContent } from './contents.js';
import { DirectoryCache } from './directory-cache.js';
import { makeDirectories } from './durable.js';
import { translateFilesystemError } from './filesystem-errors.js';
import { DRIVER, FilesystemMultipartStore, type RunOperation } from './filesystem-multipart-store.js';
import { readPlace } from './key-place.js';
import { KnownVersions } from './known-versions.js';
import { Layout } from './layout.js';
import { type FoundKey, walkKeys } from './list-keys.js';
import { type Prepared, Workbench } from './prepare.js';
import { type CreateCondition, Publisher } from './publish.js';
import { sweepTemporary } from './sweep.js';
import { versionStat } from './version.js';

export interface FilesystemObjectStoreOptions {
  /** On one local file system that knows capital letters, hard links and fsync. Made if it is missing. */
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Objects in a directory that any number of processes of one machine use at the same time, with no locks at all: nobody
 * who was killed or stopped can be in the way of others, and nobody has to guess whether a lock's owner still lives.
 *
 * Most keys have one version as long as they live, and one *place* is all that they get: a link that leads nowhere, whose
 * target is the version and its bytes, or a file of the same if they do not fit there. To give a name that is there already fails.
 *
 * Further versions, and those that come as a stream or by parts, are in a directory. It holds their bytes and exactly one *marker*: a link to nothing there
 * is, whose name tells the current version (see `version.ts`). Every change is one rename of a name that is never used
 * twice, and the kernel lets only one of many who rename the same name win:
 *
 *   create    link or file, or prepared directory -> place     fails if something is there: a directory that holds
 *                                                              something cannot be renamed over
 *   replace   marker of A -> marker of B                       fails if A is not current any more; B's bytes were put
 *                                                              into the directory before, under a name made of B *and A*
 *   delete    place -> temporary directory                     takes along whatever is current
 *
 * So If-None-Match is `create`, If-Match is `replace`, and a put without a condition tries the one that fits what it
 * sees until one succeeds. All that a step needs was written and synchronised before it, and its directory is synchronised
 * after it, before the caller hears of it: a crash leaves the state before or the state after. A link is made in one step,
 * and durable with its name, as the file system keeps order among the names of one directory.
 *
 * What follows a sole version S needs a directory, and S has none. Whoever is first makes one elsewhere, under S's id, with a marker
 * that says S once more and has a name of its own. Then he looks whether S is still at its place, as does everybody who reads what is in that directory
 * (`readPlace`). S, once taken away, never comes back. So a marker that somebody saw before he saw S at its place is in the directory
 * that all others see who did, and only one of them renames it. Who deletes takes S away first and that directory
 * after it: a replacement in between counts as before the deletion. One that was late may make the directory again, but he
 * finds S gone and removes it; those who had seen the earlier one do not find its marker there. A crash in between leaves a directory that nobody looks at.
 *
 * Clean-up is safe: who replaced A by B removes only what it saw in the directory while A was current. That is A itself,
 * earlier versions, or the bytes of somebody who hoped to replace A or an earlier one. Ids are not used again, so none
 * of them can ever become current. A reader that finds its version's bytes gone looks at the place again.
 */
export class FilesystemObjectStore implements ObjectStore {
  readonly driver = DRIVER;
  readonly multipart: FilesystemMultipartStore;
  readonly #clock: Clock;
  readonly #layout: Layout;
  readonly #bench: Workbench;
  readonly #publisher: Publisher;
  readonly #cache: DirectoryCache;
  readonly #absent = new AbsentNames();
  readonly #known = new KnownVersions();
  #ready: Promise<void> | undefined;

  constructor({ directory, clock, random }: FilesystemObjectStoreOptions) {
    this.#clock = clock;
    this.#layout = new Layout(directory);
    this.#bench = new Workbench(this.#layout, clock, random);
    this.#publisher = new Publisher(this.#layout, this.#bench);
    this.#cache = new DirectoryCache(clock);
    this.multipart = new FilesystemMultipartStore({
      ...{ layout: this.#layout, bench: this.#bench, publisher: this.#publisher },
      ...{ clock, random, run: this.#run },
    });
  }

  read(key: string, signal: AbortSignal, maxBytes = DEFAULT_MAX_READ_BYTES): Promise<StoredObject | undefined> {
    return this.#run('read', key, signal, async (context) => {
      const path = this.#layout.place(key);
      if (this.#absent.still(path)) return undefined;
      const known = this.#known.still(path);
      if (known !== undefined && known.size <= maxBytes) return known;
      for (;;) {
        const snapshot = await readPlace(path, { withBytes: true });
        if (snapshot === undefined) {
          this.#absent.remember(path);
          return undefined;
        }
        const stat = versionStat(key, snapshot.current);
        checkReadSize(stat, maxBytes, context);
        const bytes = await readContent(path, snapshot, signal);
        if (bytes === undefined) continue;
        const found = { ...stat, bytes };
        this.#known.remember(path, snapshot, found);
        return found;
      }
    });
  }

  open(
    key: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject | undefined> {
    return this.#run('open', key, signal, async (context) => {
      const path = this.#layout.place(key);
      for (;;) {
        const snapshot = await readPlace(path);
        if (snapshot === undefined) return undefined;
        const { current } = snapshot;
        const extent = resolveRange(range, current.size, context);
        const body = await openContent(path, snapshot, extent, signal);
        if (body !== undefined) return { stat: versionStat(key, current), body };
      }
    });
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.#run('stat', key, signal, async () => {
      const path = this.#layout.place(key);
      const known = this.#known.still(path);
      if (known !== undefined) return statOf(known);
      const snapshot = await readPlace(path);
      if (snapshot === undefined) return undefined;
      const stat = versionStat(key, snapshot.current);
      if (stat.size === 0) this.#known.remember(path, snapshot, { ...stat, bytes: new Uint8Array() });
      return stat;
    });
  }

  put(
    key: string,
    bytes: Uint8Array,
    { condition, signal }: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#run('put', key, signal, async (context) => {
      const path = this.#layout.place(key);
      for (let likelyNew = this.#isLikelyNew(path, condition); ; likelyNew = false) {
        const snapshot = likelyNew ? undefined : await readPlace(path);
        checkCondition(condition, snapshot && { etag: snapshot.current.id }, context);
        signal.throwIfAborted();
        const made = await this.#publisher.write(bytes, path, snapshot);
        if (made !== undefined) return versionStat(key, made);
      }
    });
  }

  write(
    key: string,
    body: Readable,
    { size, signal }: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return withSource(body, size, { driver: DRIVER, operation: 'write', key }, signal, (chunks) =>
      this.#run('write', key, signal, async (context) =>
        this.#publish(key, await this.#bench.fromChunks(chunks), undefined, context, signal),
      ),
    );
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    return this.#run('list', undefined, signal, async (context) => {
      checkListRequest(request, context);
      const objects: ObjectStat[] = [];
      let batch: FoundKey[] = [];
      for await (const found of walkKeys(this.#layout.objects, this.#cache, request)) {
        signal.throwIfAborted();
        batch.push(found);
        if (objects.length + batch.length <= request.limit) continue;
        objects.push(...(await statAll(batch)));
        batch = [];
        if (objects.length > request.limit) break;
      }
      objects.push(...(await statAll(batch)));
      return { objects: objects.slice(0, request.limit), more: objects.length > request.limit };
    });
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#run('delete', key, signal, async () => {
      const path = this.#layout.place(key);
      await this.#publisher.remove(path);
    });
  }

  /**
   * Whether to try at once: the attempt will tell. A look first costs a turn of the thread pool each time, and spares the
   * waits for the disk only where it finds something; so it is worth it for names that many try to give at once, like the
   * next of the journal, which all of them have looked for before.
   */
  #isLikelyNew(path: string, condition: PutCondition | undefined): boolean {
    if (condition?.kind === 'matches') return false;
    return condition === undefined || !this.#absent.knows(path) || this.#absent.still(path);
  }

  async #publish(
    key: string,
    prepared: Prepared,
    condition: CreateCondition | undefined,
    context: StorageErrorContext,
    signal: AbortSignal,
  ): Promise<ObjectStat> {
    try {
      signal.throwIfAborted();
      return versionStat(key, await this.#publisher.publish(prepared, this.#layout.place(key), condition, context));
    } catch (error) {
      await rm(prepared.path, { recursive: true, force: true });
      throw error;
    }
  }

  #run: RunOperation = (operation, key, signal, work) => {
    const context = { driver: DRIVER, operation, ...(key !== undefined && { key }) };
    return runOperation(context, signal, translateFilesystemError, async () => {
      if (key !== undefined) checkKey(key, context);
      await this.#prepare();
      return await work(context);
    });
  };

  /** Once; again after a failure. */
  #prepare(): Promise<void> {
    this.#ready ??= this.#makeReady().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #makeReady(): Promise<void> {
    const { objects, uploads, temporary } = this.#layout;
    for (const path of [objects, uploads, temporary]) await makeDirectories(path);
    await sweepTemporary(temporary, this.#clock.now());
    await this.#bench.measure();
  }
}

function statOf({ key, size, etag, modifiedMs }: StoredObject): ObjectStat {
  return { key, size, etag, modifiedMs };
}

async function statAll(found: readonly FoundKey[]): Promise<readonly ObjectStat[]> {
  const stats = await Promise.all(
    found.map(async ({ key, place }) => {
      const snapshot = await readPlace(place);
      return snapshot && versionStat(key, snapshot.current);
    }),
  );
  return stats.filter((stat) => stat !== undefined);
}
