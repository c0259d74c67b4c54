import type { CopyScratch, ScratchPiece } from './copy-scratch.js';

/** Scratch that lives as long as this object: for tests, and for a cluster that is simulated in one process. */
export class MemoryCopyScratch implements CopyScratch {
  readonly #pieces = new Map<string, Buffer>();

  /** Names of the pieces that hold something. */
  get names(): readonly string[] {
    return [...this.#pieces.keys()];
  }

  async discard(name: string): Promise<void> {
    this.#pieces.delete(name);
  }

  async open(name: string, size: number): Promise<ScratchPiece> {
    const pieces = this.#pieces;
    const held = (): Buffer => pieces.get(name) ?? Buffer.alloc(0);
    if (held().length > size) pieces.delete(name);
    let own = held().length;
    return {
      get size() {
        return own;
      },
      append: async (chunk) => {
        pieces.set(name, Buffer.concat([held().subarray(0, own), chunk]));
        own += chunk.length;
      },
      async *read(start) {
        if (start < own) yield held().subarray(start, own);
      },
      close: async () => undefined,
      drop: async () => {
        pieces.delete(name);
      },
    };
  }
}
