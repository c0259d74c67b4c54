import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { errorBody, RegistryError } from '#libs/oci';
import { endAnswer, leavesUnread } from './unread-body.js';

const COMMON_HEADERS = { 'Docker-Distribution-API-Version': 'registry/2.0', 'X-Content-Type-Options': 'nosniff' };

/** How soon a client should come again: regions are heard once a second and are back after two good words. */
export const RETRY_AFTER_SECONDS = '2';

/** The registry cannot be reached at the moment. */
export function unavailable(cause?: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, { cause, headers: { 'Retry-After': RETRY_AFTER_SECONDS } });
}

export function sendJson(response: ServerResponse, status: number, body: string, headers: OutgoingHttpHeaders = {}) {
  const json = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  send(response, status, body, { ...json, ...headers });
}

/** Clients repeat method and body at `location`; what is true of a region now need not be true in a second. */
export function sendRedirect(response: ServerResponse, location: string, region: string): void {
  const headers = { Location: location, 'Meridian-Region': region, 'Cache-Control': 'no-store', 'Content-Length': 0 };
  send(response, 307, '', headers);
}

/** Answers in the spec's form (Error Codes). What has begun cannot be taken back: then the connection ends. */
export function sendError(response: ServerResponse, error: unknown, log: Logger): void {
  if (!(error instanceof RegistryError)) log.error({ err: error }, 'request failed');
  else if (error.status >= 500) log.warn({ err: error }, 'request refused');
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = error instanceof RegistryError ? error : new RegistryError('INTERNAL', undefined, { cause: error });
  sendJson(response, known.status, errorBody([known]), known.headers);
}

function send(response: ServerResponse, status: number, body: string, headers: OutgoingHttpHeaders): void {
  const close = leavesUnread(response.req) ? { Connection: 'close' } : {};
  response.writeHead(status, { ...COMMON_HEADERS, ...headers, ...close });
  endAnswer(response, body);
}
