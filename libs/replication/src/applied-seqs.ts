/**
 * Which entries are applied: everything up to the watermark, and some beyond it. In whatever order and however often they
 * are added, the watermark is the highest seq below which nothing is missing, and it never goes back.
 */
export class AppliedSeqs {
  #watermark: number;
  readonly #beyond: Set<number>;

  constructor(watermark = 0, beyond: readonly number[] = []) {
    this.#watermark = watermark;
    this.#beyond = new Set(beyond.filter((seq) => seq > watermark));
    this.#absorb();
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** Ascending. */
  get beyond(): readonly number[] {
    return [...this.#beyond].sort((a, b) => a - b);
  }

  get beyondCount(): number {
    return this.#beyond.size;
  }

  get size(): number {
    return this.#watermark + this.#beyond.size;
  }

  has(seq: number): boolean {
    return seq <= this.#watermark || this.#beyond.has(seq);
  }

  add(seq: number): void {
    if (this.has(seq)) return;
    this.#beyond.add(seq);
    this.#absorb();
  }

  #absorb(): void {
    while (this.#beyond.delete(this.#watermark + 1)) this.#watermark += 1;
  }
}
