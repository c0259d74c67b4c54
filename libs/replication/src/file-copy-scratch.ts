import { constants, type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#libs/resilience';
import type { CopyScratch, ScratchPiece } from './copy-scratch.js';

/** Bytes that a reader takes from a file at once. */
const READ_BYTES = 256 * 1024;

/** What nobody wrote to for so long belongs to a copy that was given up. */
const LITTER_AGE_MS = 24 * 60 * 60_000;

/** Scratch in a folder of the region's workers on this machine: a file for each piece. */
export class FileCopyScratch implements CopyScratch {
  constructor(private readonly directory: string) {}

  /** Makes the folder, and removes what copies left there that nobody goes on with. */
  static async create(directory: string, clock: Clock): Promise<FileCopyScratch> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && found.mtimeMs < clock.now() - LITTER_AGE_MS) await rm(path, { force: true });
    }
    return new FileCopyScratch(directory);
  }

  async open(name: string, size: number): Promise<ScratchPiece> {
    const path = join(this.directory, name);
    // `a` would ignore positions, `r+` would not create, and `w+` would forget what is there.
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const { size: found } = await file.stat();
    const piece = new FilePiece(path, file, size, found > size ? 0 : found);
    await piece.closeIfWhole();
    return piece;
  }

  async discard(name: string): Promise<void> {
    await rm(join(this.directory, name), { force: true });
  }
}

/** Open while it is written: of a copy there are many more whole ones than others. */
class FilePiece implements ScratchPiece {
  #size: number;
  #isOpen = true;

  constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly wholeBytes: number,
    size: number,
  ) {
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** At its place, not at the end: two workers that believe to own a copy write the same bytes to the same places. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await this.file.write(chunk, done, chunk.length - done, this.#size + done);
      done += bytesWritten;
    }
    this.#size += chunk.length;
    await this.closeIfWhole();
  }

  async *read(start: number): AsyncGenerator<Uint8Array> {
    const end = this.#size;
    let own: FileHandle | undefined;
    try {
      for (let position = start; position < end; ) {
        // It may become whole, and be closed, between two reads.
        if (!this.#isOpen) own ??= await open(this.path, 'r');
        const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, end - position));
        const { bytesRead } = await (own ?? this.file).read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) throw new Error('the scratch is shorter than what was written to it');
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await own?.close();
    }
  }

  async closeIfWhole(): Promise<void> {
    if (this.#size >= this.wholeBytes) await this.close();
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.file.close();
  }

  async drop(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }
}
