import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PublicServerParts } from './public-server.js';

export interface ObservedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly routeOf: (method: string, path: string) => string;
}

/** The client left before the answer was whole. No status of HTTP says that; proxies write this number. */
const CLIENT_GONE = 499;

/**
 * One line of log and one sample per request, when its answer has ended or its client has gone: then what this returns is
 * called. Never the query.
 */
export function observeRequest(observed: ObservedRequest, { log, metrics, clock }: PublicServerParts): () => void {
  const { request, response, requestId } = observed;
  const { socket } = request;
  const method = request.method ?? '';
  const route = observed.routeOf(method, (request.url ?? '/').split('?', 1)[0] ?? '/');
  const beganMs = clock.monotonic();
  const written = socket.bytesWritten;
  return () => {
    const durationMs = clock.monotonic() - beganMs;
    const status = response.writableFinished ? response.statusCode : CLIENT_GONE;
    metrics.httpRequests.inc({ route, method, status });
    metrics.httpRequestDuration.observe({ route, method }, durationMs / 1_000);
    const bytes = socket.bytesWritten - written;
    log.info({ requestId, method, route, status, bytes, durationMs: Math.round(durationMs) }, 'request');
  };
}
