import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { MultipartUpload, StoredPart } from '../../object-store.js';
import { StorageError, type StorageErrorContext } from '../../storage-error.js';
import { makeDirectories, syncDirectory, writeNewBytes } from './durable.js';
import { unlessMissing } from './filesystem-errors.js';
import { readKeyDirectory } from './key-directory.js';
import type { Layout } from './layout.js';
import type { Prepared } from './prepare.js';
import { partsName } from './version.js';

export interface UploadInfo {
  readonly key: string;
  readonly beganMs: number;
}

/** One upload by parts on disk. Every part is a file of its own until the object is removed; see `layout.ts`. */
export class UploadDirectory {
  readonly path: string;
  readonly parts: string;

  constructor(
    layout: Layout,
    readonly id: string,
  ) {
    this.path = `${layout.uploads}/${id}`;
    this.parts = `${this.path}/parts`;
  }

  /** Appears whole: prepared elsewhere, then renamed. */
  async create(info: UploadInfo, draft: string): Promise<void> {
    await mkdir(`${draft}/parts`, { recursive: true });
    await writeNewBytes(`${draft}/info`, Buffer.from(JSON.stringify(info)));
    await syncDirectory(draft);
    await makeDirectories(dirname(this.path));
    await rename(draft, this.path);
    await syncDirectory(dirname(this.path));
  }

  async readInfo(): Promise<UploadInfo | undefined> {
    const text = await unlessMissing(readFile(`${this.path}/info`, 'utf8'));
    return text === undefined ? undefined : JSON.parse(text);
  }

  async check(upload: MultipartUpload, context: StorageErrorContext): Promise<void> {
    const info = await this.readInfo();
    if (info?.key !== upload.key) throw new StorageError('no_such_upload', context);
  }

  async partNames(context: StorageErrorContext): Promise<readonly string[]> {
    const names = await unlessMissing(readdir(this.parts));
    if (names === undefined) throw new StorageError('no_such_upload', context);
    return names;
  }

  /**
   * Moves a file to where its part belongs, durably, and hands over the names of that number that were there before. The
   * file's bytes need not be durable yet: nobody knows its etag before the part is acknowledged.
   */
  async addPart(file: string, part: StoredPart, context: StorageErrorContext): Promise<readonly string[]> {
    const replaced = (await this.partNames(context)).filter((name) => name.startsWith(`${part.number},`));
    const placed = await unlessMissing(rename(file, `${this.parts}/${partFileName(part)}`).then(() => true));
    if (placed === undefined) throw new StorageError('no_such_upload', context);
    await unlessMissing(syncDirectory(this.parts));
    return replaced;
  }

  async removeParts(names: readonly string[]): Promise<void> {
    for (const name of names) await rm(`${this.parts}/${name}`, { force: true });
  }

  /**
   * Takes the parts away into what is prepared: from here on they can be neither replaced nor used by anybody else. The
   * place is noted first, so that whoever comes after a crash can go on from there.
   */
  async claimParts({ path, version }: Prepared, context: StorageErrorContext): Promise<void> {
    await writeFile(`${this.path}/prepared`, path);
    const claimed = await unlessMissing(rename(this.parts, `${path}/${partsName(version)}`).then(() => true));
    if (claimed === undefined) throw new StorageError('no_such_upload', context);
    await syncDirectory(path);
  }

  /** What somebody claimed the parts for and did not finish. */
  async findClaimed(): Promise<Prepared | undefined> {
    const path = await unlessMissing(readFile(`${this.path}/prepared`, 'utf8'));
    const snapshot = path === undefined ? undefined : await readKeyDirectory(path);
    if (path === undefined || snapshot === undefined) return undefined;
    const version = snapshot.current;
    return snapshot.contents.includes(partsName(version)) ? { path, version } : undefined;
  }
}

/** The etag is in the name: only the very bytes that were acknowledged under it can be used by `complete`. */
export function partFileName({ number, size, etag }: StoredPart): string {
  return `${number},${size},${etag}`;
}
