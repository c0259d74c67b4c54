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
import { pruneEmpty, readKeyDirectory } from './key-directory.js';
import { KnownVersions } from './known-versions.js';
import { Layout } from './layout.js';
import { type FoundKey, walkKeys } from './list-keys.js';
import { type Prepared, Workbench } from './prepare.js';
import { type CreateCondition, publish, replaceWith } from './publish.js';
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
 * A key that is present has a directory of its own (see `layout.ts`), which holds the bytes of its versions and exactly
 * one *marker*: a link to nothing there is, whose name tells the current version (see `version.ts`). Every change is one rename of a
 * name that is never used twice, and the kernel lets only one of many who rename the same name win:
 *
 *   create    prepared directory -> key directory     fails if the key has one, since a directory that holds something
 *                                                     cannot be renamed over
 *   replace   marker of A -> marker of B              fails if A is not current any more; B's bytes were put into the
 *                                                     directory before, under a name made of B *and A*
 *   delete    key directory -> temporary directory    takes along whatever is current
 *
 * So If-None-Match is `create`, If-Match is `replace`, and a put without a condition tries the one that fits what it
 * sees until one succeeds. All that a step needs was written and synchronised before it (a file and the directory that it
 * was made in side by side: nobody sees either yet), and its directory is synchronised after it, before the caller hears
 * of it: a crash leaves the state before or the state after. Few bytes of text are what a link leads to: made in one step,
 * and durable with its name, as the file system keeps order among the names of one directory. For a key's first version that
 * link is the marker itself. Later versions rename that marker, which goes on leading to the first one's bytes; their names
 * say that theirs are elsewhere.
 *
 * Clean-up is safe: who replaced A by B removes only what it saw in the directory while A was current. That is A itself,
 * earlier versions, or the bytes of somebody who hoped to replace A or an earlier one. Ids are not used again, so none
 * of them can ever become current. A reader that finds its version's bytes gone reads the marker again.
 */
export class FilesystemObjectStore implements ObjectStore {
  readonly driver = DRIVER;
  readonly multipart: FilesystemMultipartStore;
  readonly #clock: Clock;
  readonly #layout: Layout;
  readonly #bench: Workbench;
  readonly #cache: DirectoryCache;
  readonly #absent = new AbsentNames();
  readonly #known = new KnownVersions();
  #ready: Promise<void> | undefined;

  constructor({ directory, clock, random }: FilesystemObjectStoreOptions) {
    this.#clock = clock;
    this.#layout = new Layout(directory);
    this.#bench = new Workbench(this.#layout, clock, random);
    this.#cache = new DirectoryCache(clock);
    this.multipart = new FilesystemMultipartStore(this.#layout, this.#bench, clock, random, this.#run);
  }

  read(key: string, signal: AbortSignal, maxBytes = DEFAULT_MAX_READ_BYTES): Promise<StoredObject | undefined> {
    return this.#run('read', key, signal, async (context) => {
      const path = this.#layout.keyDirectory(key);
      if (this.#absent.still(path)) return undefined;
      const known = this.#known.still(path);
      if (known !== undefined && known.size <= maxBytes) return known;
      for (;;) {
        const current = (await readKeyDirectory(path))?.current;
        if (current === undefined) {
          this.#absent.remember(path);
          return undefined;
        }
        const stat = versionStat(key, current);
        checkReadSize(stat, maxBytes, context);
        const bytes = await readContent(path, current, signal);
        if (bytes === undefined) continue;
        const found = { ...stat, bytes };
        this.#known.remember(path, current, found);
        return found;
      }
    });
  }

  open(
    key: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject | undefined> {
    return this.#run('open', key, signal, async (context) => {
      const path = this.#layout.keyDirectory(key);
      for (;;) {
        const current = (await readKeyDirectory(path))?.current;
        if (current === undefined) return undefined;
        const extent = resolveRange(range, current.size, context);
        const body = await openContent(path, current, extent, signal);
        if (body !== undefined) return { stat: versionStat(key, current), body };
      }
    });
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.#run('stat', key, signal, async () => {
      const path = this.#layout.keyDirectory(key);
      const known = this.#known.still(path);
      if (known !== undefined) return statOf(known);
      const snapshot = await readKeyDirectory(path);
      if (snapshot === undefined) return undefined;
      const stat = versionStat(key, snapshot.current);
      if (stat.size === 0) this.#known.remember(path, snapshot.current, { ...stat, bytes: new Uint8Array() });
      return stat;
    });
  }

  put(
    key: string,
    bytes: Uint8Array,
    { condition, signal }: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#run('put', key, signal, async (context) => {
      const path = this.#layout.keyDirectory(key);
      for (;;) {
        const snapshot = this.#isLikelyNew(path, condition) ? undefined : await readKeyDirectory(path);
        checkCondition(condition, snapshot && { etag: snapshot.current.id }, context);
        signal.throwIfAborted();
        if (snapshot === undefined) {
          const absent = condition?.kind === 'absent' ? condition : undefined;
          return await this.#publish(key, await this.#bench.fromBytes(bytes), absent, context, signal);
        }
        const made = await replaceWith(bytes, this.#bench.versionOf(bytes), path, snapshot);
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
      const path = this.#layout.keyDirectory(key);
      await this.#bench.discard(path);
      await pruneEmpty(this.#layout.emptiedBy(path));
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
      return versionStat(key, await publish(prepared, this.#layout.keyDirectory(key), condition, context));
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
    found.map(async ({ key, directory }) => {
      const snapshot = await readKeyDirectory(directory);
      return snapshot && versionStat(key, snapshot.current);
    }),
  );
  return stats.filter((stat) => stat !== undefined);
}
