import * as fs from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Clock, Random } from '#libs/resilience';
import { makeDirectories, syncDirectory, touchNew, writeNewBytes, writeNewFile } from './durable.js';
import { writeChunks } from './file-filler.js';
import { unlessMissing } from './filesystem-errors.js';
import type { Layout } from './layout.js';
import { fitsIntoLink, longestLink, SURE_BYTES, writeLink } from './link-content.js';
import { contentName, markerName, NO_PREDECESSOR, type Version, type VersionShape } from './version.js';

const mkdir = promisify(fs.mkdir) as (path: string) => Promise<unknown>;

/** A key directory that nobody sees yet: its marker, and its content if it has bytes. All of it is durable. */
export interface Prepared {
  readonly path: string;
  readonly version: Version;
}

/** Makes the directories that are to become keys', and takes away those that were. */
export class Workbench {
  #longestLink = SURE_BYTES;

  constructor(
    private readonly layout: Layout,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Asks what the file system can do. */
  async measure(): Promise<void> {
    this.#longestLink = await longestLink(this.newPath());
  }

  newPath(): string {
    return `${this.layout.temporary}/${this.random.uuid()}`;
  }

  newVersion(size: number, shape: VersionShape): Version {
    const id = this.random.uuid().replaceAll('-', '');
    return { id, predecessor: NO_PREDECESSOR, size, modifiedMs: this.clock.now(), shape };
  }

  versionOf(bytes: Uint8Array): Version {
    if (bytes.byteLength === 0) return this.newVersion(0, 'empty');
    return this.newVersion(bytes.byteLength, fitsIntoLink(bytes, this.#longestLink) ? 'link' : 'file');
  }

  async fromBytes(bytes: Uint8Array): Promise<Prepared> {
    const version = this.versionOf(bytes);
    if (version.shape === 'link') return await this.#marked({ ...version, shape: 'marker' }, bytes);
    return await this.#prepare(async (path) => {
      await touchNew(`${path}/${markerName(version)}`);
      await placeBytes(path, version, bytes, () => syncDirectory(path));
      return version;
    });
  }

  /** Names cost a file system more than anything else here: such bytes need none but the marker's. */
  async #marked(version: Version, bytes: Uint8Array): Promise<Prepared> {
    return await this.#prepare(async (path) => {
      await writeLink(`${path}/${markerName(version)}`, bytes);
      await syncDirectory(path);
      return version;
    });
  }

  async fromChunks(chunks: AsyncIterable<Uint8Array>): Promise<Prepared> {
    return await this.#prepare(async (path) => {
      const drafted = this.newVersion(0, 'file');
      const ended = (size: number): Version => ({ ...drafted, size, modifiedMs: this.clock.now() });
      return await writeNewFile(
        `${path}/${contentName(drafted)}`,
        async (file) => ended(await writeChunks(file, chunks)),
        async (version) => {
          await touchNew(`${path}/${markerName(version)}`);
          await syncDirectory(path);
        },
      );
    });
  }

  /** A version whose bytes are the parts that `index` lists; the parts themselves are moved in later. */
  async fromIndex(index: string, size: number): Promise<Prepared> {
    return await this.#prepare(async (path) => {
      const version = this.newVersion(size, 'parts');
      await touchNew(`${path}/${markerName(version)}`);
      await writeNewBytes(`${path}/${contentName(version)}`, Buffer.from(index), () => syncDirectory(path));
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

  /** `fill` makes durable what it puts there, names and bytes. */
  async #prepare(fill: (path: string) => Promise<Version>): Promise<Prepared> {
    const path = this.newPath();
    // The directories that it stands in are there, unless somebody emptied the store's.
    if ((await unlessMissing(mkdir(path).then(() => true))) === undefined) await makeDirectories(path);
    try {
      return { path, version: await fill(path) };
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw error;
    }
  }
}

/**
 * Puts a version's bytes into a directory, under the name that the version has for them. What is written to a file is
 * durable then, and `alongside` was run beside that; a link is as durable as the directory that `alongside` makes so.
 */
export async function placeBytes(
  directory: string,
  version: Version,
  bytes: Uint8Array,
  alongside: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const path = `${directory}/${contentName(version)}`;
  if (version.shape === 'file') return await writeNewBytes(path, bytes, alongside);
  if (version.shape === 'link') await writeLink(path, bytes);
  await alongside();
}
