import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Limiter } from '#libs/resilience';
import type { MultipartStore, MultipartUpload, PartPosition, StoredPart } from '#libs/storage';
import { PART_BYTES, type PartBuffers } from './part-buffers.js';

/** Parts of one upload on their way to the store while the next one fills: reading and writing overlap, memory stays flat. */
const PARTS_IN_FLIGHT = 2;

export interface PartWriterOptions {
  readonly multipart: MultipartStore;
  /** Bounds the parts in flight of all uploads of the process together. */
  readonly limiter: Limiter;
  readonly buffers: PartBuffers;
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
  /** The part that is being filled, with so many bytes in it. */
  #filling: Buffer | undefined;
  #filled = 0;
  #next: { number: number; offset: number };
  #failure: { readonly error: unknown } | undefined;

  constructor(
    start: { readonly parts: readonly StoredPart[]; readonly tail: Uint8Array },
    private readonly options: PartWriterOptions,
  ) {
    this.#parts = [...start.parts];
    const last = start.parts.at(-1);
    this.#next = { number: (last?.number ?? 0) + 1, offset: last === undefined ? 0 : last.offset + last.size };
    this.#fill(start.tail);
  }

  /** Bytes taken in so far, those of earlier chunks included. */
  get offset(): number {
    return this.#next.offset + this.#filled;
  }

  get parts(): readonly StoredPart[] {
    return this.#parts;
  }

  /** Reads the body to its end. When it breaks off, rejects with its error; what came until then stays taken in. */
  async consume(body: Readable): Promise<void> {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      this.options.hash?.update(chunk);
      for (let rest = chunk; rest.length > 0; ) {
        rest = rest.subarray(this.#fill(rest));
        if (this.#filled === PART_BYTES) await this.#send();
      }
    }
  }

  /** Waits until every part is durable; a remainder that is big enough becomes one. Hands over the tail. */
  async settle(): Promise<Uint8Array> {
    const big = this.#filled >= this.options.multipart.minPartBytes && this.#parts.length > 0;
    if (big) await this.#send();
    await this.#landed();
    return Buffer.from(this.#filling?.subarray(0, this.#filled) ?? []);
  }

  /** Makes the tail the last part, whatever its size, and waits until every part is durable. */
  async finish(): Promise<readonly StoredPart[]> {
    if (this.#filled > 0) await this.#send();
    await this.#landed();
    return this.#parts;
  }

  /** Nothing more will be asked of it. */
  dispose(): void {
    if (this.#filling !== undefined) this.options.buffers.giveBack(this.#filling);
    this.#filling = undefined;
    this.#filled = 0;
  }

  /** Waits until no part is on its way any more, however each of them ended. */
  async quiesce(): Promise<void> {
    await Promise.all(this.#flying);
  }

  /** Copies as much as there is room for in the part being filled, and says how much that was. */
  #fill(bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    this.#filling ??= this.options.buffers.take();
    const taken = Math.min(bytes.length, PART_BYTES - this.#filled);
    this.#filling.set(bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    return taken;
  }

  /** Sends what was filled on its way. It counts as taken in from the moment that it can be sent at all. */
  async #send(): Promise<void> {
    while (this.#flying.size >= PARTS_IN_FLIGHT) await Promise.race(this.#flying);
    this.#throwIfFailed();
    const upload = await this.options.upload(this.#parts);
    const buffer = this.#filling;
    if (buffer === undefined) return;
    const position = { ...this.#next, size: this.#filled };
    this.#next = { number: position.number + 1, offset: position.offset + position.size };
    this.#filling = undefined;
    this.#filled = 0;
    const flight = this.#write(upload, position, buffer)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#flying.delete(flight));
    this.#flying.add(flight);
  }

  /** After a failure the store may still be reading the buffer, so it is not used again. */
  async #write(upload: MultipartUpload, position: PartPosition, buffer: Buffer): Promise<void> {
    const { multipart, limiter, signal, buffers } = this.options;
    const bytes = buffer.subarray(0, position.size);
    const part = await limiter.run(signal, () => multipart.writePart(upload, position, bytes, signal));
    buffers.giveBack(buffer);
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
}
