import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#libs/resilience';
import { announcesBody } from './exchange.js';

/** What is still read of a client that was refused, and how long it gets to notice before its connection is closed. */
const MAX_UNWANTED_BYTES = 1024 * 1024;
const MAX_UNWANTED_MS = 2_000;

/**
 * Ends an answer whose head was written, to a request whose body may not have been read. The answer goes out first, and the connection is closed only after the
 * client had a chance to read it: closing under a client that sends makes TCP reset the connection and takes the answer
 * along. A client that sends on and on is not read any further, so that it has to stop, and can see the answer.
 */
export async function endUnread(
  request: IncomingMessage,
  response: ServerResponse,
  content: Uint8Array,
  clock: Clock,
): Promise<void> {
  if (!leavesUnread(request)) {
    response.end(content);
    // Of a body that came whole, something may still wait to be read; Node reads no next request until it was.
    request.resume();
    return;
  }
  response.flushHeaders();
  if (content.byteLength > 0) response.write(content);
  await dropRest(request, clock);
  response.end();
}

/**
 * Reads what is left of a body that is announced to be small, for a moment at most: whoever sends it can be answered like
 * anybody else then, on a connection that lives on. And clients are known that put other bytes into the memory of a body once
 * they have been answered, while it is still being sent.
 */
export async function readSmallRest(request: IncomingMessage, clock: Clock): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (leavesUnread(request) && announced <= MAX_UNWANTED_BYTES) await dropRest(request, clock);
}

/** Whether an answer given now must say `Connection: close`. */
export function leavesUnread(request: IncomingMessage): boolean {
  return !request.complete && announcesBody(request);
}

async function dropRest(request: IncomingMessage, clock: Clock): Promise<void> {
  const left = new AbortController();
  let bytes = 0;
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > MAX_UNWANTED_BYTES) request.pause();
  });
  for (const event of ['end', 'close', 'error'] as const) request.once(event, () => left.abort());
  request.resume();
  if (request.destroyed) return;
  await clock.sleep(MAX_UNWANTED_MS, left.signal).catch(() => undefined);
}
