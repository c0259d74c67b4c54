const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The shell's convention for a program that a Ctrl-C ended. */
export const INTERRUPTED_CODE = 130;

/** A person, or whoever started this, wanted it to end before it was done. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Ctrl-C once asks for an end, twice makes one. */
export class Interrupts {
  readonly #asked = new AbortController();

  /** @param onSecond ends at once whatever is left */
  constructor(onSecond: () => void) {
    for (const name of SIGNALS)
      process.on(name, () => {
        if (!this.#asked.signal.aborted) return this.#asked.abort(new Interrupted(`asked to end by ${name}`));
        onSecond();
        process.exit(INTERRUPTED_CODE);
      });
  }

  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  async wait(): Promise<void> {
    if (this.signal.aborted) return;
    // A promise alone keeps no process alive; the cluster's pipes and sockets do.
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve, { once: true }));
  }
}
