import { PART_BYTES, type PartBuffer, type PartFiller } from './part-buffers.js';

/** Until it has the memory of a part it takes no more than twice what came. */
const FIRST_BYTES = 16 * 1024;

/** A part that is being filled. */
export class PartFilling implements PartFiller {
  #memory: Uint8Array;
  #length: number;
  #buffer: PartBuffer | undefined;

  constructor(
    start: Uint8Array,
    readonly revoke: () => void,
  ) {
    this.#memory = start;
    this.#length = start.length;
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === PART_BYTES;
  }

  /** What is in it; good until more is added. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** The memory to give back when nobody uses it any more; `undefined`: nothing was taken. */
  get buffer(): PartBuffer | undefined {
    return this.#buffer;
  }

  /** Whether so many bytes more need the memory of a whole part first, where `smallBytes` may do without. */
  needsBuffer(more: number, smallBytes: number): boolean {
    return this.#buffer === undefined && this.#length < PART_BYTES && this.#length + more > smallBytes;
  }

  useBuffer(buffer: PartBuffer): void {
    buffer.bytes.set(this.bytes);
    this.#memory = buffer.bytes;
    this.#buffer = buffer;
  }

  /** Copies as much as there is room for, and says how much that was. */
  add(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, PART_BYTES - this.#length);
    this.#grow(this.#length + taken);
    this.#memory.set(bytes.subarray(0, taken), this.#length);
    this.#length += taken;
    return taken;
  }

  #grow(needed: number): void {
    if (needed <= this.#memory.length) return;
    const larger = new Uint8Array(Math.max(needed, FIRST_BYTES, this.#memory.length * 2));
    larger.set(this.bytes);
    this.#memory = larger;
  }
}
