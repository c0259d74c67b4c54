import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';

/**
 * A signal for each request, which aborts when its client is gone. To make one takes as long as to answer a small request's
 * half from memory, and most clients keep their connections: so the requests of a connection, of which a lost connection
 * ends all, use one, as long as none left anything behind that still listens to it.
 */
export class ConnectionSignals {
  readonly #idle = new WeakMap<Socket, AbortController>();

  /** For one request, until it is given back. */
  take(socket: Socket): AbortController {
    const kept = this.#idle.get(socket);
    if (kept === undefined) return new AbortController();
    this.#idle.delete(socket);
    return kept;
  }

  /** The request is over. */
  giveBack(socket: Socket, controller: AbortController): void {
    const { signal } = controller;
    if (!signal.aborted && getEventListeners(signal, 'abort').length === 0) this.#idle.set(socket, controller);
  }
}
