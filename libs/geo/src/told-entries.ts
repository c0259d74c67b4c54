/**
 * Entries that some region said it has, ever: it may have shown them to somebody, and a region that loses its bucket takes
 * back its word, not what was seen. Single ones above the highest watermark are remembered up to a limit; the watermark
 * rises over each one that is forgotten, so that more is asked for than was told of, never less.
 */
export class ToldEntries {
  readonly #beyond = new Set<number>();
  #watermark = 0;

  constructor(private readonly limit: number) {}

  /** Everything up to it may have been shown. */
  get watermark(): number {
    return this.#watermark;
  }

  /** What may have been shown above the watermark, in no order. */
  get beyond(): ReadonlySet<number> {
    return this.#beyond;
  }

  add(watermark: number, beyond: readonly number[]): void {
    for (const seq of beyond) this.#beyond.add(seq);
    this.#raise(Math.max(watermark, this.#watermark));
  }

  /** What lies up to `seq` is known otherwise. */
  forget(seq: number): void {
    for (const each of this.#beyond) if (each <= seq) this.#beyond.delete(each);
  }

  clear(): void {
    this.#beyond.clear();
    this.#watermark = 0;
  }

  #raise(watermark: number): void {
    this.#watermark = watermark;
    this.forget(watermark);
    const tooMany = this.#beyond.size - this.limit;
    if (tooMany > 0) this.#raise([...this.#beyond].sort((a, b) => a - b)[tooMany - 1] ?? watermark);
  }
}
