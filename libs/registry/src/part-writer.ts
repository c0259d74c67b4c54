import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Limiter } from '#libs/resilience';
import type { MultipartStore, MultipartUpload, PartPosition, StoredPart } from '#libs/storage';

/** Bytes of a part: above S3's minimum of 5 MiB, and 10,000 of them are 78 GiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/** Parts of one upload on their way to the store while the next one fills: reading and writing overlap, memory stays flat. */
const PARTS_IN_FLIGHT = 3;

export interface PartWriterOptions {
  readonly multipart: MultipartStore;
  /** Bounds the parts in flight of all uploads of the process together. */
  readonly limiter: Limiter;
  /** Called before each part with the parts that are durable by then; hands over the upload that the part belongs to. */
  readonly upload: (durable: readonly StoredPart[]) => Promise<MultipartUpload>;
  readonly hash: Hash | undefined;
  readonly signal: AbortSignal;
}

/**
 * Cuts a stream into parts and stores them while it reads on. What is left at the end and too small for a part is the
 * tail: the beginning of the next chunk, or the last part.
 */
export class PartWriter {
  readonly #parts: StoredPart[];
  readonly #flying = new Set<Promise<void>>();
  #buffered: Uint8Array[];
  #bufferedBytes: number;
  #next: { number: number; offset: number };
  #failure: { readonly error: unknown } | undefined;

  constructor(
    start: { readonly parts: readonly StoredPart[]; readonly tail: Uint8Array },
    private readonly options: PartWriterOptions,
  ) {
    this.#parts = [...start.parts];
    this.#buffered = start.tail.length > 0 ? [start.tail] : [];
    this.#bufferedBytes = start.tail.length;
    const last = start.parts.at(-1);
    this.#next = { number: (last?.number ?? 0) + 1, offset: last === undefined ? 0 : last.offset + last.size };
  }

  /** Bytes taken in so far, those of earlier chunks included. */
  get offset(): number {
    return this.#next.offset + this.#bufferedBytes;
  }

  get parts(): readonly StoredPart[] {
    return this.#parts;
  }

  /** Reads the body to its end. When it breaks off, rejects with its error; what came until then stays taken in. */
  async consume(body: Readable): Promise<void> {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      this.options.hash?.update(chunk);
      this.#buffered.push(chunk);
      this.#bufferedBytes += chunk.length;
      while (this.#bufferedBytes >= PART_BYTES) await this.#send(this.#take(PART_BYTES));
    }
  }

  /** Waits until every part is durable; a remainder that is big enough becomes one. Hands over the tail. */
  async settle(): Promise<Uint8Array> {
    const big = this.#bufferedBytes >= this.options.multipart.minPartBytes && this.#parts.length > 0;
    if (big) await this.#send(this.#take(this.#bufferedBytes));
    await this.#landed();
    return Buffer.concat(this.#buffered, this.#bufferedBytes);
  }

  /** Makes the tail the last part, whatever its size, and waits until every part is durable. */
  async finish(): Promise<readonly StoredPart[]> {
    if (this.#bufferedBytes > 0) await this.#send(this.#take(this.#bufferedBytes));
    await this.#landed();
    return this.#parts;
  }

  /** Waits until no part is on its way any more, however each of them ended. */
  async quiesce(): Promise<void> {
    await Promise.all(this.#flying);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    while (this.#flying.size >= PARTS_IN_FLIGHT) await Promise.race(this.#flying);
    this.#throwIfFailed();
    const upload = await this.options.upload(this.#parts);
    const position = { ...this.#next, size: bytes.length };
    this.#next = { number: position.number + 1, offset: position.offset + position.size };
    const flight = this.#write(upload, position, bytes)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#flying.delete(flight));
    this.#flying.add(flight);
  }

  async #write(upload: MultipartUpload, position: PartPosition, bytes: Uint8Array): Promise<void> {
    const { multipart, limiter, signal } = this.options;
    const part = await limiter.run(signal, () => multipart.writePart(upload, position, bytes, signal));
    this.#parts.push(part);
    this.#parts.sort((a, b) => a.number - b.number);
  }

  async #landed(): Promise<void> {
    await this.quiesce();
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #take(size: number): Uint8Array {
    const all = Buffer.concat(this.#buffered, this.#bufferedBytes);
    const rest = all.subarray(size);
    this.#buffered = rest.length > 0 ? [rest] : [];
    this.#bufferedBytes = rest.length;
    return all.subarray(0, size);
  }
}
