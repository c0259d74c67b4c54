import type { BlobDescriptor } from '#libs/oci';

/** Blobs that were committed just now, for regions that may begin to copy them before a manifest needs them. */
export interface HintSource {
  /** What is committed from the call on; some may be lost. Ends when the signal aborts. */
  hints(signal: AbortSignal): AsyncIterable<BlobDescriptor>;
}

/** What waits for one slow listener: hints save time only, so the oldest may be lost. */
const MAX_WAITING = 1_000;

/** Tells everybody who listens of every blob, and waits for nobody. */
export class Hints implements HintSource {
  readonly #listeners = new Set<Listener>();

  publish(blob: BlobDescriptor): void {
    for (const listener of this.#listeners) listener.hear(blob);
  }

  hints(signal: AbortSignal): AsyncIterable<BlobDescriptor> {
    const listener = new Listener();
    const leave = (): void => {
      this.#listeners.delete(listener);
      listener.leave();
    };
    this.#listeners.add(listener);
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    return tidily(listener.heard(), () => {
      signal.removeEventListener('abort', leave);
      leave();
    });
  }
}

class Listener {
  readonly #waiting: BlobDescriptor[] = [];
  #left = false;
  #wake: () => void = () => undefined;

  hear(blob: BlobDescriptor): void {
    if (this.#waiting.length === MAX_WAITING) this.#waiting.shift();
    this.#waiting.push(blob);
    this.#wake();
  }

  leave(): void {
    this.#left = true;
    this.#wake();
  }

  async *heard(): AsyncGenerator<BlobDescriptor> {
    while (!this.#left) {
      const next = this.#waiting.shift();
      if (next === undefined) await this.#something();
      else yield next;
    }
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function* tidily<T>(items: AsyncIterable<T>, end: () => void): AsyncGenerator<T> {
  try {
    yield* items;
  } finally {
    end();
  }
}
