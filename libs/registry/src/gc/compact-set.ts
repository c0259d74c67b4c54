import { hash } from 'node:crypto';

/** Of each name so many bytes are kept. Two names that look alike only make a collection keep what it could take. */
const BYTES = 16;

const FIRST_CAPACITY = 1024;

/** Names, packed: some 32 bytes each, however long they are. What was added is always found. */
export class CompactSet {
  #slots = Buffer.alloc(FIRST_CAPACITY * BYTES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(name: string): boolean {
    return this.#find(this.#slots, fingerprint(name)).taken;
  }

  add(name: string): void {
    if ((this.#size + 1) * BYTES > this.#slots.length / 2) this.#grow();
    const print = fingerprint(name);
    const { at, taken } = this.#find(this.#slots, print);
    if (taken) return;
    print.copy(this.#slots, at);
    this.#size += 1;
  }

  #grow(): void {
    const larger = Buffer.alloc(this.#slots.length * 2);
    for (let at = 0; at < this.#slots.length; at += BYTES) {
      const print = this.#slots.subarray(at, at + BYTES);
      if (!isFree(print)) print.copy(larger, this.#find(larger, print).at);
    }
    this.#slots = larger;
  }

  #find(slots: Buffer, print: Buffer): { readonly at: number; readonly taken: boolean } {
    const capacity = slots.length / BYTES;
    for (let slot = print.readUInt32LE(0) % capacity; ; slot = (slot + 1) % capacity) {
      const there = slots.subarray(slot * BYTES, (slot + 1) * BYTES);
      if (isFree(there)) return { at: slot * BYTES, taken: false };
      if (there.equals(print)) return { at: slot * BYTES, taken: true };
    }
  }
}

/** Never all zeros: that is a free slot. */
function fingerprint(name: string): Buffer {
  const print = hash('sha256', name, 'buffer').subarray(0, BYTES);
  print[BYTES - 1] = (print[BYTES - 1] ?? 0) | 1;
  return print;
}

function isFree(slot: Buffer): boolean {
  return slot[BYTES - 1] === 0;
}
