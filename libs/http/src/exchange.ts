import type { IncomingMessage, ServerResponse } from 'node:http';

/** One request and its answer, on their way through this process. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Everything after the path, decoded. */
  readonly query: URLSearchParams;
  /** The path as it was sent, without the query. */
  readonly path: string;
  readonly requestId: string;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** What a server gives to the one function that answers its requests. */
export interface ExchangeContext {
  readonly requestId: string;
  readonly signal: AbortSignal;
}

export function openExchange(request: IncomingMessage, response: ServerResponse, context: ExchangeContext): Exchange {
  const target = request.url ?? '/';
  const cut = target.indexOf('?');
  const path = cut < 0 ? target : target.slice(0, cut);
  const query = new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1));
  return { request, response, query, path, requestId: context.requestId, signal: context.signal };
}

/** One header's value; of several, which only some headers may have, the first. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Whether the client said that a body comes (RFC 9112, 6). */
export function announcesBody(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return true;
  return (request.headers['content-length'] ?? '0') !== '0';
}

export function isHead(request: IncomingMessage): boolean {
  return request.method === 'HEAD';
}
