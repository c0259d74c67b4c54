import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Random } from '#libs/resilience';
import { makeDirectories, syncDirectory, touchNew, writeNewBytes, writeNewFile } from './durable.js';
import { writeChunks } from './file-filler.js';
import { unlessMissing } from './filesystem-errors.js';
import type { Layout } from './layout.js';
import { contentName, markerName, NO_PREDECESSOR, type Version, type VersionShape } from './version.js';

/** A key directory that nobody sees yet: its marker, and its content if it has bytes. All of it is durable. */
export interface Prepared {
  readonly path: string;
  readonly version: Version;
}

/** Makes the directories that are to become keys', and takes away those that were. */
export class Workbench {
  constructor(
    private readonly layout: Layout,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  newPath(): string {
    return `${this.layout.temporary}/${this.random.uuid()}`;
  }

  newVersion(size: number, shape: VersionShape): Version {
    const id = this.random.uuid().replaceAll('-', '');
    return { id, predecessor: NO_PREDECESSOR, size, modifiedMs: this.clock.now(), shape };
  }

  versionOf(bytes: Uint8Array): Version {
    return this.newVersion(bytes.byteLength, bytes.byteLength === 0 ? 'empty' : 'file');
  }

  async fromBytes(bytes: Uint8Array): Promise<Prepared> {
    const version = this.versionOf(bytes);
    return await this.#prepare(async (path) => {
      await touchNew(`${path}/${markerName(version)}`);
      if (version.shape === 'file') await writeNewBytes(`${path}/${contentName(version)}`, bytes);
      return version;
    });
  }

  async fromChunks(chunks: AsyncIterable<Uint8Array>): Promise<Prepared> {
    return await this.#prepare(async (path) => {
      const drafted = this.newVersion(0, 'file');
      const size = await writeNewFile(`${path}/${contentName(drafted)}`, (file) => writeChunks(file, chunks));
      const version: Version = { ...drafted, size, modifiedMs: this.clock.now() };
      await touchNew(`${path}/${markerName(version)}`);
      return version;
    });
  }

  /** A version whose bytes are the parts that `index` lists; the parts themselves are moved in later. */
  async fromIndex(index: string, size: number): Promise<Prepared> {
    return await this.#prepare(async (path) => {
      const version = this.newVersion(size, 'parts');
      await touchNew(`${path}/${markerName(version)}`);
      await writeNewBytes(`${path}/${contentName(version)}`, Buffer.from(index));
      return version;
    });
  }

  /** Takes a directory out of everybody's sight in one step, durably, and then removes it. Nothing if it is not there. */
  async discard(path: string): Promise<void> {
    const away = this.newPath();
    if ((await unlessMissing(rename(path, away).then(() => true))) === undefined) return;
    await unlessMissing(syncDirectory(dirname(path)));
    await rm(away, { recursive: true, force: true });
  }

  async #prepare(fill: (path: string) => Promise<Version>): Promise<Prepared> {
    const path = this.newPath();
    // The directories that it stands in are there, unless somebody emptied the store's.
    if ((await unlessMissing(mkdir(path).then(() => true))) === undefined) await makeDirectories(path);
    try {
      const version = await fill(path);
      await syncDirectory(path);
      return { path, version };
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw error;
    }
  }
}
