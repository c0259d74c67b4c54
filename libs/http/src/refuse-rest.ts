import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#libs/resilience';
import { announcesBody } from './exchange.js';

/** What a client may still send after it was refused, before the connection is closed under it. */
const MAX_UNWANTED_BYTES = 1024 * 1024;
const MAX_UNWANTED_MS = 2_000;

/**
 * Answers a request whose body nobody will read. The answer goes out first, and the connection is closed only after the
 * client had a chance to read it: closing with unread bytes makes TCP reset the connection and takes the answer along.
 */
export async function endUnread(
  request: IncomingMessage,
  response: ServerResponse,
  content: Uint8Array,
  clock: Clock,
): Promise<void> {
  if (request.complete || !announcesBody(request)) {
    response.end(content);
    return;
  }
  response.write(content);
  await dropRest(request, clock);
  response.end();
}

/** Whether an answer given now must say `Connection: close`. */
export function leavesUnread(request: IncomingMessage): boolean {
  return !request.complete && announcesBody(request);
}

async function dropRest(request: IncomingMessage, clock: Clock): Promise<void> {
  const enough = new AbortController();
  let bytes = 0;
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > MAX_UNWANTED_BYTES) enough.abort();
  });
  for (const event of ['end', 'close', 'error'] as const) request.once(event, () => enough.abort());
  request.resume();
  if (request.destroyed) return;
  await clock.sleep(MAX_UNWANTED_MS, enough.signal).catch(() => undefined);
}
