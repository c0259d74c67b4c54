import { createHash, randomBytes } from 'node:crypto';
import type { Body } from './http-connection.js';

export const MIB = 1024 * 1024;

const STAMP_BYTES = 64;
const NOISE = randomBytes(MIB);

/**
 * Bytes that nobody saw before, for almost nothing: one block of noise, again and again, with a stamp of its own before
 * each. Nothing that deduplicates or compresses can gain by it, and nothing has to be kept.
 */
export class Blob {
  static #made = 0;
  readonly #run = randomBytes(8).toString('hex');
  readonly #number: number;
  readonly #unit: number;
  readonly digest: string;

  constructor(readonly bytes: number) {
    Blob.#made += 1;
    this.#number = Blob.#made;
    this.#unit = Math.min(MIB, bytes);
    if (bytes % this.#unit !== 0 || this.#unit <= STAMP_BYTES) throw new Error(`${bytes} bytes do not fit into blocks`);
    const hash = createHash('sha256');
    for (const piece of this.#pieces(0, bytes)) for (const part of piece) hash.update(part);
    this.digest = `sha256:${hash.digest('hex')}`;
  }

  /** The bytes from `start` to before `end`, both at the border of a MiB. */
  body({ start = 0, end = this.bytes, chunked = false } = {}): Body {
    return { bytes: end - start, chunked, pieces: () => this.#pieces(start, end) };
  }

  *#pieces(start: number, end: number): Iterable<readonly Buffer[]> {
    for (let at = start; at < end; at += this.#unit) {
      const stamp = Buffer.from(`${this.#run} ${this.#number} ${at} `.padEnd(STAMP_BYTES, '.'));
      yield [stamp, NOISE.subarray(0, this.#unit - STAMP_BYTES)];
    }
  }
}
