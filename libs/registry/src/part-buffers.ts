/** Bytes of a part: above S3's minimum of 5 MiB, and 10,000 of them are 78 GiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/** Buffers kept for the next upload; more than that are left to the garbage collector. */
const KEPT = 4;

/**
 * Memory for parts on their way, used again and again: a part of 8 MiB for every 8 MiB of an upload would be garbage
 * faster than the collector notices, and the process would grow with the blob.
 */
export class PartBuffers {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
  }

  /** Only what nobody reads or writes any more. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(buffer);
  }
}
