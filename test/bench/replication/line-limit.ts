import { Blob } from '../lib/blob.js';
import { median } from '../lib/statistics.js';
import { Connections, expectStatus } from '../registry/store.js';
import { Pusher } from './images.js';

/** What a line itself can do, seen by a plain client at its far end. */
export interface LineLimit {
  readonly roundTripMs: number;
  /** Of one plain stream, in bytes per millisecond. */
  readonly bytesPerMs: number;
}

const REPOSITORY = 'bench/limit';
const ROUNDS = 7;

/** `home`: the registry where it is near; `across`: the same one over the line. */
export async function lineLimit(home: string, across: string, bytes: number): Promise<LineLimit> {
  const blob = new Blob(bytes);
  const pusher = new Pusher(home, REPOSITORY);
  await pusher.pushBlob(blob);
  pusher.close();
  const far = new Connections();
  try {
    const roundTripMs = await roundTrip(far, across);
    const startedMs = performance.now();
    const answer = await far.request(`${across}/v2/${REPOSITORY}/blobs/${blob.digest}`, 'GET');
    const tookMs = performance.now() - startedMs - roundTripMs;
    if (expectStatus(answer, 200, 'GET blob').bodyBytes !== bytes) throw new Error('the blob came short');
    return { roundTripMs, bytesPerMs: bytes / tookMs };
  } finally {
    far.close();
  }
}

/** One small question and its answer, on a connection that is open. */
export async function roundTrip(far: Connections, across: string): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const startedMs = performance.now();
    expectStatus(await far.request(`${across}/v2/`, 'GET'), 200, 'GET /v2/');
    if (round > 0) took.push(performance.now() - startedMs);
  }
  return median(took);
}
