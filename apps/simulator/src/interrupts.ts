import { setMaxListeners } from 'node:events';
import type { Clock } from '#libs/resilience';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One Ctrl-C comes more than once where npm or a shell passes on what the terminal has already sent to everybody. */
const ECHO_MS = 500;

/** The shell's convention for a program that a Ctrl-C ended. */
export const INTERRUPTED_CODE = 130;

/** A person, or whoever started this, wanted it to end before it was done. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Ctrl-C once asks for an end, twice makes one. */
export class Interrupts {
  readonly #asked = new AbortController();
  readonly #listener: (name: NodeJS.Signals) => void;
  #askedMs = Number.POSITIVE_INFINITY;

  /** @param onSecond ends at once whatever is left */
  constructor(clock: Clock, onSecond: () => void) {
    this.#listener = (name) => {
      if (clock.monotonic() - this.#askedMs > ECHO_MS) return onSecond();
      if (this.signal.aborted) return;
      this.#askedMs = clock.monotonic();
      this.#asked.abort(new Interrupted(`asked to end by ${name}`));
    };
    for (const name of SIGNALS) process.on(name, this.#listener);
    // Everything that is under way listens to it, and that may be many things.
    setMaxListeners(0, this.signal);
  }

  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  async wait(): Promise<void> {
    if (this.signal.aborted) return;
    // A promise alone keeps no process alive; the cluster's pipes and sockets do.
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve, { once: true }));
  }

  close(): void {
    for (const name of SIGNALS) process.off(name, this.#listener);
  }
}
