import { errorBody, RegistryError } from '#libs/oci';
import { PeerError } from '#libs/peer';
import { type Clock, DeadlineExceeded } from '#libs/resilience';
import { isStorageError } from '#libs/storage';
import type { Exchange } from './exchange.js';
import { isHead } from './exchange.js';
import { endUnread, leavesUnread, readSmallRest } from './refuse-rest.js';

/** Where failures that nobody expected are told; a pino logger fits. */
export interface HttpLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** When to come again after a failure of the store or of another region: they seldom last. */
const RETRY_AFTER_SECONDS = '2';

/**
 * The one place where an error becomes an answer. Nothing of an unexpected error leaves the process but the request's
 * id; once the answer has begun, only a broken connection can still say that it failed.
 */
export async function sendError(
  exchange: Exchange,
  error: unknown,
  options: { readonly log: HttpLog; readonly clock: Clock },
): Promise<void> {
  const { request, response } = exchange;
  const known = asRegistryError(error);
  if (!isLeaving(exchange, error)) report(exchange, error, known, options.log);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  await readSmallRest(request, options.clock);
  const content = Buffer.from(errorBody([known]));
  response.writeHead(known.status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': content.byteLength,
    ...(known.status === 503 ? { 'Retry-After': RETRY_AFTER_SECONDS } : {}),
    ...known.headers,
    ...(leavesUnread(request) ? { Connection: 'close' } : {}),
  });
  await endUnread(request, response, isHead(request) ? Buffer.alloc(0) : content, options.clock);
}

/** What streams and sockets say when the other side has left. */
const LEAVING: ReadonlySet<unknown> = new Set([
  'ABORT_ERR',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/**
 * Whether the client only left. An answer that was cut off because its source failed looks the same on the socket, but
 * not in the error: that one is worth a line of log, for nobody else will ever tell.
 */
function isLeaving({ response, signal }: Exchange, error: unknown): boolean {
  if (!signal.aborted && !response.destroyed) return false;
  if (error === signal.reason || !response.headersSent) return true;
  return error instanceof Error && 'code' in error && LEAVING.has(error.code);
}

function asRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  if (isStorageError(error) && error.retryable) return unavailable('the store does not answer', error);
  if (error instanceof DeadlineExceeded) return unavailable('the store did not answer in time', error);
  if (error instanceof PeerError && error.retryable) return unavailable('another region does not answer', error);
  return new RegistryError('INTERNAL', undefined, { cause: error });
}

function unavailable(message: string, cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, { cause, message });
}

function report(exchange: Exchange, error: unknown, known: RegistryError, log: HttpLog): void {
  const { requestId, request, path } = exchange;
  const fields = { requestId, method: request.method, path, code: known.code, err: error };
  if (known.code === 'INTERNAL') log.error(fields, 'request failed');
  else if (known.status >= 500 || exchange.response.headersSent) log.warn(fields, 'request could not be served');
}
