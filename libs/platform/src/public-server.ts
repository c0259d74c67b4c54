import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock, Random } from '#libs/resilience';
import { answerBrokenRequest, answerFailure, hasUnknownCoding } from './broken-request.js';
import { ConnectionSignals } from './connection-signals.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import { requestIdOf } from './request-id.js';
import { observeRequest } from './request-observer.js';
import { routeTemplate } from './route-template.js';
import { type Pace, SlowClients } from './slow-clients.js';

export interface RequestContext {
  /** In the log, and in the answer as `X-Request-Id`. */
  readonly requestId: string;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** Answers one request. A rejection is answered with 500, or by cutting off an answer that has begun. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
) => Promise<void> | void;

export interface PublicServerOptions {
  /** More are refused at once, so that those there are can be served. */
  readonly maxConnections?: number;
  /** Clients that are slower are cut off. */
  readonly slowest?: Pace;
  /** What a path is called in logs and metrics. Must be one of a few. */
  readonly routeOf?: (method: string, path: string) => string;
}

export interface PublicServerParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
}

const LIMITS = {
  /** A client that takes longer for its headers holds a connection on purpose. */
  headersTimeout: 10_000,
  /** None: an upload takes as long as its client's line needs. Who reads a body watches that it moves. */
  requestTimeout: 0,
  /** Longer than the 60 s of usual proxies: the side that reuses a connection must be the one that closes it. */
  keepAliveTimeout: 65_000,
  /** Of what waits in a connection that its client does not read. Newer Nodes would let it be 64 KiB, and connections are many. */
  highWaterMark: 8 * 1024,
  maxHeaderSize: 16 * 1024,
} as const;

const MAX_CONNECTIONS = 10_000;

/** The port of clients: plain HTTP/1.1 with limits, an access log, and an end that lets running requests finish. */
export class PublicServer {
  readonly #handler: RequestHandler;
  readonly #parts: PublicServerParts;
  readonly #routeOf: (method: string, path: string) => string;
  readonly #server: Server;
  readonly #running = new Set<ServerResponse>();
  readonly #signals = new ConnectionSignals();
  readonly #slowClients: SlowClients | undefined;
  readonly #closed = new AbortController();
  #draining = false;

  constructor(handler: RequestHandler, parts: PublicServerParts, options: PublicServerOptions = {}) {
    this.#handler = handler;
    this.#parts = parts;
    this.#routeOf = options.routeOf ?? routeTemplate;
    const onCut = () => parts.metrics.slowClientsCut.inc();
    this.#slowClients = options.slowest && new SlowClients(parts.clock, options.slowest, onCut);
    this.#server = createServer(LIMITS, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    this.#server.on('clientError', answerBrokenRequest);
  }

  /** @returns the port, which the system chose if `port` is 0 */
  async listen(port: number, host: string): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    void this.#slowClients?.follow(this.#closed.signal);
    return (this.#server.address() as AddressInfo).port;
  }

  /** Goes on answering, and asks each client to open its next connection elsewhere. */
  drain(): void {
    this.#draining = true;
    for (const response of this.#running) askToClose(response);
  }

  /** Stops accepting at once, lets running requests finish, and cuts off what still runs when the signal aborts. */
  async close(signal: AbortSignal): Promise<void> {
    this.drain();
    if (!this.#server.listening) return;
    const cutOff = () => this.#server.closeAllConnections();
    signal.addEventListener('abort', cutOff, { once: true });
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    if (signal.aborted) cutOff();
    await closed;
    this.#closed.abort();
    signal.removeEventListener('abort', cutOff);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (hasUnknownCoding(request)) {
      answerBrokenRequest(new Error('unknown transfer coding'), request.socket);
      return;
    }
    const requestId = requestIdOf(request, this.#parts.random);
    const { socket } = request;
    const gone = this.#signals.take(socket);
    this.#running.add(response);
    response.setHeader('X-Request-Id', requestId);
    if (this.#draining) askToClose(response);
    const unwatch = this.#slowClients?.watch(request, response);
    const report = observeRequest({ request, response, requestId, routeOf: this.#routeOf }, this.#parts);
    // One listener for all: with those of a pipeline, more would be taken for a leak by Node.
    response.once('close', () => {
      this.#running.delete(response);
      if (!response.writableFinished) gone.abort(new Error('the client is gone'));
      this.#signals.giveBack(socket, gone);
      unwatch?.();
      report();
      // An answer that had begun before could not ask its client to leave, and the connection is kept by nobody but us.
      if (!this.#server.listening) this.#server.closeIdleConnections();
    });
    try {
      await this.#handler(request, response, { requestId, signal: gone.signal });
    } catch (error) {
      if (gone.signal.aborted) return;
      this.#parts.log.error({ requestId, err: error }, 'request failed');
      answerFailure(response);
    }
  }
}

function askToClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
