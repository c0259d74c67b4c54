import type { IncomingMessage, ServerResponse } from 'node:http';

/** What of a body that nobody wants is read all the same; the rest waits until the connection is closed. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const MAX_PAUSE_MS = 2_000;

/** Whether an answer given now leaves a body unread; then it must say `Connection: close`. */
export function leavesUnread(request: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  return !request.complete && (encoding !== undefined || length !== '0');
}

/**
 * Ends an answer whose head was written. Closing a connection with unread bytes makes TCP reset it and takes the answer
 * along, so the answer goes first, and the client gets a chance to read it.
 */
export function endAnswer(response: ServerResponse, body: string): void {
  const request = response.req;
  if (!leavesUnread(request)) {
    response.end(body);
    // Of a body that came whole, something may still wait to be read; Node reads no next request until it was.
    request.resume();
    return;
  }
  response.flushHeaders();
  if (body !== '') response.write(body);
  let left = MAX_UNREAD_BYTES;
  const end = () => void response.end();
  request.on('data', (chunk: Uint8Array) => {
    left -= chunk.byteLength;
    // Whoever is busy sending has not read the answer yet: closing now would take it away.
    if (left < 0) request.pause();
  });
  for (const event of ['end', 'close', 'error'] as const) request.once(event, end);
  response.setTimeout(MAX_PAUSE_MS, end);
  request.resume();
}
