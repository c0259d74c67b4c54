/** The most that one request asks for: what is kept, and gone on with, as one file of scratch. */
export const PIECE_BYTES = 512 * 1024;

const LEAST_REQUEST_BYTES = 32 * 1024;

/** A request takes no more of the line than this: what is small waits behind one of them at the least. */
const REQUEST_MS = 30;

/** How long bytes may wait in a line whose answers begin so soon: the line is full, and what else wants it is not kept. */
export function roomMs(quickestMs: number): number {
  return 20 + quickestMs / 8;
}

/** What one request asks for on a line of so many bytes a millisecond. */
export function requestFor(rate: number): number {
  let bytes = PIECE_BYTES;
  while (bytes > LEAST_REQUEST_BYTES && bytes > rate * REQUEST_MS) bytes /= 2;
  return bytes;
}

/** What has to be under way: on its way, waiting a little, and one request that is only being made. */
export function neededBytes(rate: number, quickestMs: number, requestBytes: number): number {
  return rate * (quickestMs + roomMs(quickestMs)) + requestBytes;
}
