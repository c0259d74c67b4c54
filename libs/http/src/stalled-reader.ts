import type { ServerResponse } from 'node:http';

/** A client that takes no byte for so long has gone or holds a stream of the store on purpose. */
const STALL_MS = 120_000;

/** Cuts off an answer of which nothing could be sent for a while: it holds a connection here and one to the store. */
export function cutOffStalledReader(response: ServerResponse, stallMs: number = STALL_MS): void {
  response.setTimeout(stallMs, () => response.destroy());
}
