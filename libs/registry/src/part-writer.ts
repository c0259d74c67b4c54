import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { RegistryError } from '#libs/oci';
import type { MultipartStore, MultipartUpload, PartPosition, StoredPart } from '#libs/storage';
import type { PartBuffers } from './part-buffers.js';
import { PartFilling } from './part-filling.js';

/** Parts of one upload on their way to the store while the next one fills: reading and writing overlap, memory stays flat. */
const PARTS_IN_FLIGHT = 2;

const EMPTY = new Uint8Array();

export interface PartWriterOptions {
  readonly multipart: MultipartStore;
  /** Bounds the parts of all uploads of the process together. */
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
  readonly #leave: () => void;
  #filling: PartFilling;
  #body: Readable | undefined;
  #next: { number: number; offset: number };
  #failure: { readonly error: unknown } | undefined;

  constructor(
    start: { readonly parts: readonly StoredPart[]; readonly tail: Uint8Array },
    private readonly options: PartWriterOptions,
  ) {
    this.#parts = [...start.parts];
    const last = start.parts.at(-1);
    this.#next = { number: (last?.number ?? 0) + 1, offset: last === undefined ? 0 : last.offset + last.size };
    this.#filling = this.#startWith(start.tail);
    this.#leave = options.buffers.enter();
  }

  /** Bytes taken in so far, those of earlier chunks included. */
  get offset(): number {
    return this.#next.offset + this.#filling.length;
  }

  get parts(): readonly StoredPart[] {
    return this.#parts;
  }

  /** Reads the body to its end. When it breaks off, rejects with its error; what came until then stays taken in. */
  async consume(body: Readable): Promise<void> {
    this.#body = body;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      this.options.hash?.update(chunk);
      for (let rest = chunk; rest.length > 0; ) {
        if (this.#filling.needsBuffer(rest.length, this.options.buffers.smallBytes)) await this.#takeBuffer();
        rest = rest.subarray(this.#filling.add(rest));
        if (this.#filling.isFull) await this.#send();
      }
    }
    this.#filling.buffer?.filled();
  }

  /** Waits until every part is durable; a remainder that is big enough becomes one. Hands over the tail. */
  async settle(): Promise<Uint8Array> {
    const big = this.#filling.length >= this.options.multipart.minPartBytes && this.#parts.length > 0;
    if (big) await this.#send();
    await this.#landed();
    return Buffer.from(this.#filling.bytes);
  }

  /** Makes the tail the last part, whatever its size, and waits until every part is durable. */
  async finish(): Promise<readonly StoredPart[]> {
    if (this.#filling.length > 0) await this.#send();
    await this.#landed();
    return this.#parts;
  }

  /** Nothing more will be asked of it. */
  dispose(): void {
    this.#leave();
    this.#filling.buffer?.giveBack();
    this.#filling = this.#startWith(EMPTY);
    this.#body = undefined;
  }

  /** Waits until no part is on its way any more, however each of them ended. */
  async quiesce(): Promise<void> {
    await Promise.all(this.#flying);
  }

  /** @throws the signal's reason; memory that comes later is not kept */
  async #takeBuffer(): Promise<void> {
    const { buffers, signal } = this.options;
    this.#filling.useBuffer(await buffers.take(this.#filling, signal));
  }

  #startWith(bytes: Uint8Array): PartFilling {
    return new PartFilling(bytes, () => this.#body?.destroy(tooSlow()));
  }

  /** Sends what was filled on its way. It counts as taken in from the moment that it can be sent at all. */
  async #send(): Promise<void> {
    // From here on it is the store that is waited for.
    this.#filling.buffer?.filled();
    while (this.#flying.size >= PARTS_IN_FLIGHT) await Promise.race(this.#flying);
    this.#throwIfFailed();
    const upload = await this.options.upload(this.#parts);
    const part = this.#filling;
    const position = { ...this.#next, size: part.length };
    this.#next = { number: position.number + 1, offset: position.offset + position.size };
    this.#filling = this.#startWith(EMPTY);
    const flight = this.#write(upload, position, part)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#flying.delete(flight));
    this.#flying.add(flight);
  }

  /** After a failure the store may still be reading the buffer, so it is not used again. */
  async #write(upload: MultipartUpload, position: PartPosition, { bytes, buffer }: PartFilling): Promise<void> {
    const { multipart, signal } = this.options;
    try {
      this.#parts.push(await multipart.writePart(upload, position, bytes, signal));
      buffer?.giveBack();
    } finally {
      buffer?.drop();
    }
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

function tooSlow(): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, {
    message: 'others wait for the memory that this upload hardly fills',
  });
}
