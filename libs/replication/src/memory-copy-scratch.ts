import type { CopyScratch, ScratchPiece } from './copy-scratch.js';

/** What a name leads to, until it is dropped; who has it open goes on with it, as with a file. */
interface Held {
  bytes: Buffer;
}

/** Scratch that lives as long as this object: for tests, and for a cluster that is simulated in one process. */
export class MemoryCopyScratch implements CopyScratch {
  readonly #pieces = new Map<string, Held>();

  /** Names of the pieces that hold something. */
  get names(): readonly string[] {
    return [...this.#pieces].flatMap(([name, { bytes }]) => (bytes.length === 0 ? [] : [name]));
  }

  async discard(name: string): Promise<void> {
    this.#pieces.delete(name);
  }

  async open(name: string, size: number): Promise<ScratchPiece> {
    const held = this.#pieces.get(name) ?? { bytes: Buffer.alloc(0) };
    this.#pieces.set(name, held);
    let own = held.bytes.length > size ? 0 : held.bytes.length;
    return {
      get size() {
        return own;
      },
      append: async (chunk) => {
        held.bytes = Buffer.concat([held.bytes.subarray(0, own), chunk, held.bytes.subarray(own + chunk.length)]);
        own += chunk.length;
      },
      async *read(start) {
        if (start < own) yield held.bytes.subarray(start, own);
      },
      close: async () => undefined,
      drop: async () => {
        this.#pieces.delete(name);
      },
    };
  }
}
