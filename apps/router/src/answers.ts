import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { endUnread, leavesUnread, readSmallRest } from '#libs/http';
import { errorBody, RegistryError } from '#libs/oci';
import type { Clock } from '#libs/resilience';

const COMMON_HEADERS = { 'Docker-Distribution-API-Version': 'registry/2.0', 'X-Content-Type-Options': 'nosniff' };

/** How soon a client should come again: regions are heard once a second and are back after two good words. */
export const RETRY_AFTER_SECONDS = '2';

/** The registry cannot be reached at the moment. */
export function unavailable(cause?: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, { cause, headers: { 'Retry-After': RETRY_AFTER_SECONDS } });
}

interface Json {
  readonly status: number;
  readonly body: string;
  readonly headers?: OutgoingHttpHeaders;
}

export function sendJson(response: ServerResponse, { status, body, headers = {} }: Json, clock: Clock): Promise<void> {
  const content = Buffer.from(body);
  const json = { 'Content-Type': 'application/json', 'Content-Length': content.byteLength };
  return send(response, { status, content, headers: { ...json, ...headers } }, clock);
}

/** Clients repeat method and body at `location`; what is true of a region now need not be true in a second. */
export function sendRedirect(response: ServerResponse, location: string, region: string, clock: Clock): Promise<void> {
  const headers = { Location: location, 'Meridian-Region': region, 'Cache-Control': 'no-store', 'Content-Length': 0 };
  return send(response, { status: 307, content: Buffer.alloc(0), headers }, clock);
}

/** Answers in the spec's form (Error Codes). What has begun cannot be taken back: then the connection ends. */
export async function sendError(response: ServerResponse, error: unknown, log: Logger, clock: Clock): Promise<void> {
  if (!(error instanceof RegistryError)) log.error({ err: error }, 'request failed');
  else if (error.status >= 500) log.warn({ err: error }, 'request refused');
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = error instanceof RegistryError ? error : new RegistryError('INTERNAL', undefined, { cause: error });
  await sendJson(response, { status: known.status, body: errorBody([known]), headers: known.headers }, clock);
}

interface Answer {
  readonly status: number;
  readonly content: Buffer;
  readonly headers: OutgoingHttpHeaders;
}

async function send(response: ServerResponse, { status, content, headers }: Answer, clock: Clock): Promise<void> {
  await readSmallRest(response.req, clock);
  const close = leavesUnread(response.req) ? { Connection: 'close' } : {};
  response.writeHead(status, { ...COMMON_HEADERS, ...headers, ...close });
  await endUnread(response.req, response, content, clock);
}
