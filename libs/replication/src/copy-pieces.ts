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

/** What a blob is fetched in: numbered from 1, all of one size but the last. */
export interface Cut {
  readonly pieceBytes: number;
  readonly pieces: readonly PartPosition[];
}

/** Pieces that end where parts end. */
export function piecesOf(size: number, partBytes: number, wantedBytes: number): Cut {
  const pieceBytes = partBytes % wantedBytes === 0 ? wantedBytes : partBytes;
  return { pieceBytes, pieces: partsOf(size, pieceBytes) };
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

/** The pieces of one copy as they fill: written by those who fetch, read by those who hash, store, or follow the copy. */
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
      readonly cut: Cut;
      readonly clock: Clock;
    },
  ) {}

  /** The part is in the store: what an earlier process left of it is not needed. */
  async discard(part: PartPosition): Promise<void> {
    for (const { number } of this.inside(part)) {
      this.#gone.add(number);
      await this.options.scratch.discard(this.#nameOf(number));
    }
  }

  inside({ offset, size }: PartPosition): readonly PartPosition[] {
    const { pieceBytes, pieces } = this.options.cut;
    return pieces.slice(Math.floor(offset / pieceBytes), Math.ceil((offset + size) / pieceBytes));
  }

  /** Bytes of the piece that are here, those of an earlier process included. */
  async begin({ number, size }: PartPosition): Promise<number> {
    const piece = await this.options.scratch.open(this.#nameOf(number), size);
    this.#held.set(number, { piece, readers: 0, done: false });
    this.#grown.notify();
    return piece.size;
  }

  async append({ number }: PartPosition, chunk: Uint8Array): Promise<void> {
    await this.#held.get(number)?.piece.append(chunk);
    this.#grown.notify();
  }

  /** Bytes of the span as they come. @throws BytesGone */
  async *read({ start, end }: ByteSpan, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let position = start; position < end; ) {
      const { pieceBytes } = this.options.cut;
      const number = Math.floor(position / pieceBytes) + 1;
      const pieceStart = (number - 1) * pieceBytes;
      const held = await this.#holding(number, position - pieceStart, signal);
      held.readers += 1;
      try {
        for await (const chunk of held.piece.read(position - pieceStart)) {
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
  async drop(part: PartPosition): Promise<void> {
    for (const { number } of this.inside(part)) await this.#drop(number);
  }

  async #drop(number: number): Promise<void> {
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
      if (!options.keep) await this.#drop(number);
      else if (held.readers === 0) await held.piece.close();
    }
  }

  #nameOf(number: number): string {
    return `${this.options.name}.${this.options.cut.pieceBytes}.${number}`;
  }

  /** The piece, as soon as it holds more than `within` bytes. */
  async #holding(number: number, within: number, signal: AbortSignal): Promise<Held> {
    for (;;) {
      const { version } = this.#grown;
      const held = this.#held.get(number);
      if (held !== undefined && held.piece.size > within) return held;
      if (this.#gone.has(number)) throw new BytesGone(`piece ${number} has been let go`);
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#grown.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock: this.options.clock, signal });
    }
  }
}
