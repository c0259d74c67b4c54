import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Slow headers are an attack, slow bodies are large blobs: so only the headers have a limit. */
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than that of common proxies, so that it is never we who close what they just used. */
const KEEP_ALIVE_MS = 65_000;

/** The server that clients reach: bare `node:http`, for no framework may touch a body. */
export class PublicServer {
  readonly #server: Server;

  constructor(handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>) {
    this.#server = createServer(
      { requestTimeout: 0, headersTimeout: HEADERS_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
      (request, response) => void handle(request, response),
    );
  }

  /** Resolves with the port, which the system chose if it was 0. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more requests, and resolves when those under way have ended, or were ended by the signal. */
  async close(signal: AbortSignal): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const end = () => this.#server.closeAllConnections();
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    await closed;
    signal.removeEventListener('abort', end);
  }
}
