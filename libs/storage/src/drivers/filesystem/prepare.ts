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
import { HEADER_BYTES } from './sole-version.js';
import {
  contentName,
  markerName,
  NO_PREDECESSOR,
  type Version,
  type VersionFacts,
  type VersionShape,
} from './version.js';

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

  soleVersion(size: number): VersionFacts {
    return this.newVersion(size, 'file');
  }

  /** Whether bytes fit into a link beside the header of a sole version. */
  fitsIntoSoleLink(bytes: Uint8Array): boolean {
    return fitsIntoLink(bytes, this.#longestLink - HEADER_BYTES);
  }

  /** For versions that follow a sole one, which is current still. */
  async forFollowers(sole: VersionFacts): Promise<Prepared> {
    return await this.#prepare(async (path) => {
      const version: Version = { ...sole, predecessor: this.newVersion(0, 'sole').id, shape: 'sole' };
      await touchNew(`${path}/${markerName(version)}`);
      await syncDirectory(path);
      return version;
    });
  }

  /** The path of a new file that holds bytes, durably; its name is not. */
  async fileFrom(bytes: Uint8Array): Promise<string> {
    const path = this.newPath();
    try {
      if ((await unlessMissing(writeNewBytes(path, bytes).then(() => true))) === undefined) {
        await makeDirectories(dirname(path));
        await writeNewBytes(path, bytes);
      }
      return path;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
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

  /** Takes something out of everybody's sight in one step, durably. Where it is then; `undefined` if it was not there. */
  async takeAway(path: string): Promise<string | undefined> {
    const away = this.newPath();
    if ((await unlessMissing(rename(path, away).then(() => true))) === undefined) return undefined;
    await unlessMissing(syncDirectory(dirname(path)));
    return away;
  }

  async remove(taken: string): Promise<void> {
    await rm(taken, { recursive: true, force: true });
  }

  async discard(path: string): Promise<void> {
    const taken = await this.takeAway(path);
    if (taken !== undefined) await this.remove(taken);
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
