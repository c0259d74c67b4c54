import type { FileHandle } from 'node:fs/promises';
import { writeAll } from './durable.js';

/** Bytes that wait while others are being written; more stop the source. */
const MAX_WAITING_BYTES = 1024 * 1024;
/**
 * Bytes of one write. For a larger one the kernel takes larger pieces of memory, which nobody used yet: where that is a
 * virtual machine's, the host has to find it first, and a write of 8 MiB was seen to cost eight times what small ones do.
 * Each write waits for its turn of the event loop, though, so much smaller ones cost more as well.
 */
const MAX_WRITE_BYTES = 512 * 1024;
/** After so many bytes the disk begins to work, so that it has little left to do at the end. */
const FLUSH_BYTES = 32 * 1024 * 1024;

/** Writes all chunks, and returns how many bytes there were. Reading goes on while the file system and the disk work. */
export async function writeChunks(file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const filler = new FileFiller(file);
  try {
    for await (const chunk of chunks) await filler.add(chunk);
    return await filler.finish();
  } finally {
    await filler.settle();
  }
}

class FileFiller {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #flushing: Promise<void> | undefined;
  #written = 0;
  #flushed = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(private readonly file: FileHandle) {}

  /** Resolves when there is room for the next one. */
  async add(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; at += MAX_WRITE_BYTES) {
      this.#waiting.push(chunk.subarray(at, at + MAX_WRITE_BYTES));
    }
    this.#waitingBytes += chunk.byteLength;
    this.#writing ??= this.#writeWaiting();
    if (this.#waitingBytes >= MAX_WAITING_BYTES) await this.#writing;
    this.#throwIfFailed();
  }

  async finish(): Promise<number> {
    await this.settle();
    this.#throwIfFailed();
    return this.#written;
  }

  /** Waits until nothing is under way any more: the file may be closed then. */
  async settle(): Promise<void> {
    await this.#writing;
    await this.#flushing;
  }

  async #writeWaiting(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#write(this.#take());
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#writing = undefined;
  }

  #take(): Uint8Array[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ byteLength }) => {
      bytes += byteLength;
      return bytes > MAX_WRITE_BYTES;
    });
    const taken = this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
    this.#waitingBytes -= sizeOf(taken);
    return taken;
  }

  async #write(chunks: Uint8Array[]): Promise<void> {
    const bytes = sizeOf(chunks);
    const { bytesWritten } = await this.file.writev(chunks);
    if (bytesWritten < bytes) await writeAll(this.file, Buffer.concat(chunks).subarray(bytesWritten));
    this.#written += bytes;
    if (this.#written - this.#flushed < FLUSH_BYTES || this.#flushing !== undefined) return;
    this.#flushed = this.#written;
    this.#flushing = this.#flush();
  }

  async #flush(): Promise<void> {
    try {
      await this.file.datasync();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#flushing = undefined;
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
