import { type Clock, Notifier } from '#libs/resilience';
import type { PartPosition } from '#libs/storage';
import type { ByteSpan } from './blob-fetch.js';
import type { CopyScratch, ScratchPiece } from './copy-scratch.js';

/** Cuts a blob into parts of `partBytes`, the last one with what is left. */
export function partsOf(size: number, partBytes: number): readonly PartPosition[] {
  const count = Math.ceil(size / partBytes);
  return Array.from({ length: count }, (_, index) => {
    const offset = index * partBytes;
    return { number: index + 1, offset, size: Math.min(partBytes, size - offset) };
  });
}

/** These bytes were here and have been let go: a reader that is slower than the copy asks somebody else. */
export class BytesGone extends Error {
  override readonly name = 'BytesGone';
}

interface Held {
  readonly piece: ScratchPiece;
  readers: number;
  done: boolean;
}

/** The parts of one copy as they fill: written by those who fetch, read by those who hash, store, or follow the copy. */
export class CopyPieces {
  readonly #held = new Map<number, Held>();
  readonly #gone = new Set<number>();
  readonly #grown = new Notifier();
  #failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly options: {
      readonly scratch: CopyScratch;
      /** Unlike any other copy's, and the same after a restart. */
      readonly name: string;
      readonly parts: readonly PartPosition[];
      readonly partBytes: number;
      readonly clock: Clock;
    },
  ) {}

  /** The part is in the store: what an earlier process left of it is not needed. */
  async discard(part: PartPosition): Promise<void> {
    this.#gone.add(part.number);
    await this.options.scratch.discard(this.#nameOf(part));
  }

  /** Bytes of the part that are here, those of an earlier process included. */
  async begin(part: PartPosition): Promise<number> {
    const piece = await this.options.scratch.open(this.#nameOf(part), part.size);
    this.#held.set(part.number, { piece, readers: 0, done: false });
    this.#grown.notify();
    return piece.size;
  }

  async append(part: PartPosition, chunk: Uint8Array): Promise<void> {
    await this.#held.get(part.number)?.piece.append(chunk);
    this.#grown.notify();
  }

  /** Bytes of the span as they come. @throws BytesGone */
  async *read({ start, end }: ByteSpan, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let position = start; position < end; ) {
      const number = Math.floor(position / this.options.partBytes) + 1;
      const partStart = (number - 1) * this.options.partBytes;
      const held = await this.#holding(number, position - partStart, signal);
      held.readers += 1;
      try {
        for await (const chunk of held.piece.read(position - partStart)) {
          const wanted = chunk.subarray(0, end - position);
          position += wanted.length;
          yield wanted;
          if (position >= end) return;
        }
      } finally {
        held.readers -= 1;
        if (held.done && held.readers === 0) await held.piece.drop();
      }
    }
  }

  /** Frees a part as soon as nobody reads it. */
  async drop(number: number): Promise<void> {
    const held = this.#held.get(number);
    this.#held.delete(number);
    this.#gone.add(number);
    this.#grown.notify();
    if (held === undefined) return;
    held.done = true;
    if (held.readers === 0) await held.piece.drop();
  }

  /** Ends those who follow. What is held is left to the next process; with `keep` false it is freed. */
  async end(error: unknown, options: { readonly keep: boolean }): Promise<void> {
    this.#failure = { error };
    this.#grown.notify();
    for (const [number, held] of [...this.#held]) {
      if (!options.keep) await this.drop(number);
      else if (held.readers === 0) await held.piece.close();
    }
  }

  #nameOf(part: PartPosition): string {
    return `${this.options.name}.${part.number}`;
  }

  /** The part, as soon as it holds more than `within` bytes. */
  async #holding(number: number, within: number, signal: AbortSignal): Promise<Held> {
    for (;;) {
      const { version } = this.#grown;
      const held = this.#held.get(number);
      if (held !== undefined && held.piece.size > within) return held;
      if (this.#gone.has(number)) throw new BytesGone(`part ${number} has been let go`);
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#grown.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock: this.options.clock, signal });
    }
  }
}
