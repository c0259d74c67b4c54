import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Clock, Notifier } from '#libs/resilience';

/** Bytes that a reader takes from the file at once. */
const READ_BYTES = 256 * 1024;

/**
 * A file that is read by many while it is still being written. What readers may have is told apart from what is there:
 * the last byte is held back until the whole was found right, so nobody can take damaged content for complete (I3).
 */
export class GrowingFile {
  #written = 0;
  #verified = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #grown = new Notifier();

  constructor(
    private readonly file: FileHandle,
    /** Bytes that it will have. */
    readonly size: number,
    private readonly clock: Clock,
  ) {}

  get written(): number {
    return this.#written;
  }

  async append(chunk: Uint8Array): Promise<void> {
    let done = 0;
    while (done < chunk.length) {
      const { bytesWritten } = await this.file.write(chunk, done, chunk.length - done, this.#written + done);
      done += bytesWritten;
    }
    this.#written += chunk.length;
    this.#grown.notify();
  }

  /** Everything is there and hashed to what it should. */
  verify(): void {
    this.#verified = true;
    this.#grown.notify();
  }

  /** Nothing more will come: every reader that has not got its bytes fails with `error`. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#grown.notify();
  }

  /** Bytes from `start` to `end` (inclusive), as they come. The caller owns the stream. */
  read(start: number, end: number, signal: AbortSignal): Readable {
    return Readable.from(this.#bytes(start, end + 1, signal), { objectMode: false });
  }

  async *#bytes(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let position = start;
    while (position < end) {
      const available = Math.min(end, await this.#availableBeyond(position, signal));
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, available - position));
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw new Error('the spool is shorter than what was written to it');
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async #availableBeyond(position: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      const version = this.#grown.version;
      const readable = this.#verified ? this.size : Math.min(this.#written, this.size - 1);
      if (readable > position) return readable;
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#grown.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock: this.clock, signal });
    }
  }
}
