import { statSync } from 'node:fs';

/** Names that are looked for again and again: the slots after the heads of a few journals, and a little more. */
const REMEMBERED = 256;

/**
 * Names that were not there when they were last looked for. The kernel remembers those too, and says whether it is still so
 * in 2 µs; handing the question over to a thread and back costs thirty times that. It is not asked here for names that it
 * may have to read from the disk, because everybody would wait.
 */
export class AbsentNames {
  readonly #paths = new Set<string>();

  /** True if it was absent before and is absent now. False says nothing. */
  still(path: string): boolean {
    return this.#paths.has(path) && statSync(path, { throwIfNoEntry: false }) === undefined;
  }

  /** Whether it is one of the names that are looked for again and again. */
  knows(path: string): boolean {
    return this.#paths.has(path);
  }

  remember(path: string): void {
    this.#paths.delete(path);
    this.#paths.add(path);
    const [oldest] = this.#paths;
    if (this.#paths.size > REMEMBERED && oldest !== undefined) this.#paths.delete(oldest);
  }
}
