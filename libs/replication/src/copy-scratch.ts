/**
 * Bytes of parts that are not in the store yet. It outlives the process where it can, so that a killed worker goes on at
 * the byte; but nothing depends on that: what is lost of it is fetched again, and what is damaged does not hash.
 */
export interface CopyScratch {
  /** The piece of that name, with what an earlier process left in it. Never more than `size` bytes. */
  open(name: string, size: number): Promise<ScratchPiece>;
  /** Frees what an earlier process left under that name, if anything. */
  discard(name: string): Promise<void>;
}

/** Whoever opened it closes or drops it, once. */
export interface ScratchPiece {
  /** Bytes that it holds. */
  readonly size: number;
  append(chunk: Uint8Array): Promise<void>;
  /** What it holds at the time of the call, from `start` on. */
  read(start: number): AsyncIterable<Uint8Array>;
  /** Leaves the bytes to the next process. */
  close(): Promise<void>;
  /** Frees the bytes. */
  drop(): Promise<void>;
}
