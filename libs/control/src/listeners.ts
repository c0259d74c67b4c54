import type { ControlMessage } from './control-bus.js';
import type { ControlLog } from './control-log.js';

/** Those who listen, each on its own: what one of them throws is no trouble of the others. */
export class Listeners {
  readonly #log: ControlLog;
  readonly #listeners = new Set<(message: ControlMessage) => void>();

  constructor(log: ControlLog) {
    this.#log = log;
  }

  add(listener: (message: ControlMessage) => void): () => void {
    const own = (message: ControlMessage) => listener(message);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(message: ControlMessage): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(message);
      } catch (error) {
        this.#log.warn({ kind: message.kind, err: error }, 'control listener failed');
      }
    }
  }
}
