import { type FileHandle, readdir, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Clock, Random } from '#libs/resilience';
import { checkPartList, checkPartNumber } from '../../check-request.js';
import { compareKeys } from '../../key-order.js';
import type { MultipartStore, MultipartUpload, ObjectStat, PartPosition, StoredPart } from '../../object-store.js';
import { withSource } from '../../source-stream.js';
import { StorageError, type StorageErrorContext } from '../../storage-error.js';
import { formatIndex } from './contents.js';
import { writeNewFile } from './durable.js';
import { writeChunks } from './file-filler.js';
import type { Layout } from './layout.js';
import type { Prepared, Workbench } from './prepare.js';
import { publish } from './publish.js';
import { partFileName, UploadDirectory } from './upload-directory.js';
import { versionStat } from './version.js';

/** The name of this driver in errors, logs and metrics. */
export const DRIVER = 'filesystem';

/** How the store runs an operation: its checks, its preparations, and its errors. */
export type RunOperation = <T>(
  operation: string,
  key: string | undefined,
  signal: AbortSignal,
  work: (context: StorageErrorContext) => Promise<T>,
) => Promise<T>;

/**
 * Uploads by parts. A part is a file of its own, under a name that holds its etag, and the finished object is the list
 * of its parts: completing copies no byte, and two writers of the same part can never mix theirs. A writer who was
 * paused and comes back late finds no directory to put its part into.
 */
export class FilesystemMultipartStore implements MultipartStore {
  readonly minPartBytes = 1;

  constructor(
    private readonly layout: Layout,
    private readonly bench: Workbench,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly run: RunOperation,
  ) {}

  begin(key: string, signal: AbortSignal): Promise<MultipartUpload> {
    return this.run('begin', key, signal, async () => {
      const id = this.random.uuid();
      await new UploadDirectory(this.layout, id).create({ key, beganMs: this.clock.now() }, this.bench.newPath());
      return { key, id };
    });
  }

  writePart(
    upload: MultipartUpload,
    part: PartPosition,
    body: Uint8Array | Readable,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    const context = { driver: DRIVER, operation: 'writePart', key: upload.key };
    return withSource(body, part.size, context, signal, (chunks) =>
      this.run('writePart', upload.key, signal, async () => {
        checkPartNumber(part.number, context);
        const directory = this.#directory(upload, context);
        // Beside the writing, which is in vain if it fails.
        const checked = directory.check(upload, context);
        checked.catch(() => undefined);
        const fill = async (handle: FileHandle): Promise<void> => {
          await writeChunks(handle, chunks);
          signal.throwIfAborted();
          await checked;
        };
        return await this.#write(directory, part, fill, context);
      }),
    );
  }

  /** Bytes and name become durable side by side. */
  async #write(
    directory: UploadDirectory,
    position: PartPosition,
    fill: (file: FileHandle) => Promise<void>,
    context: StorageErrorContext,
  ): Promise<StoredPart> {
    const { number, offset, size } = position;
    const part = { number, offset, size, etag: this.random.uuid() };
    const file = this.bench.newPath();
    let replaced: readonly string[] = [];
    try {
      await writeNewFile(file, fill, async () => {
        replaced = await directory.addPart(file, part, context);
      });
    } catch (error) {
      await directory.removeParts([partFileName(part)]);
      await rm(file, { force: true });
      throw error;
    }
    await directory.removeParts(replaced);
    return part;
  }

  complete(upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal): Promise<ObjectStat> {
    return this.run('complete', upload.key, signal, async (context) => {
      const directory = this.#directory(upload, context);
      await directory.check(upload, context);
      const prepared = (await directory.findClaimed()) ?? (await this.#claim(directory, parts, context));
      // Past this point the parts are nowhere else, so a signal does not stop it any more.
      const version = await publish(prepared, this.layout.keyDirectory(upload.key), undefined, context);
      await rm(directory.path, { recursive: true, force: true });
      return versionStat(upload.key, version);
    });
  }

  async #claim(
    directory: UploadDirectory,
    parts: readonly StoredPart[],
    context: StorageErrorContext,
  ): Promise<Prepared> {
    const stored = new Set(await directory.partNames(context));
    const { size } = checkPartList(parts, this.minPartBytes, context);
    const index = parts.map((part) => ({ name: partFileName(part), size: part.size }));
    const missing = index.find(({ name }) => !stored.has(name));
    if (missing) throw new StorageError('invalid', context, { message: `no such part: ${missing.name}` });
    const prepared = await this.bench.fromIndex(formatIndex(index), size);
    try {
      await directory.claimParts(prepared, context);
      return prepared;
    } catch (error) {
      await rm(prepared.path, { recursive: true, force: true });
      throw error;
    }
  }

  abort(upload: MultipartUpload, signal: AbortSignal): Promise<void> {
    return this.run('abort', upload.key, signal, async (context) => {
      await this.bench.discard(this.#directory(upload, context).path);
    });
  }

  listUploads(
    prefix: string,
    signal: AbortSignal,
  ): Promise<readonly (MultipartUpload & { readonly beganMs: number })[]> {
    return this.run('listUploads', undefined, signal, async () => {
      const found: (MultipartUpload & { readonly beganMs: number })[] = [];
      for (const id of await readdir(this.layout.uploads)) {
        signal.throwIfAborted();
        const info = await new UploadDirectory(this.layout, id).readInfo();
        if (info?.key.startsWith(prefix)) found.push({ id, ...info });
      }
      return found.sort((a, b) => a.beganMs - b.beganMs || compareKeys(a.key, b.key));
    });
  }

  /** An id comes from outside: it must not lead anywhere else. */
  #directory({ id }: MultipartUpload, context: StorageErrorContext): UploadDirectory {
    if (!/^[0-9A-Za-z-]+$/.test(id)) throw new StorageError('no_such_upload', context);
    return new UploadDirectory(this.layout, id);
  }
}
