import type { Blob } from '../lib/blob.js';
import { median } from '../lib/statistics.js';
import { Connections, expectStatus } from '../registry/store.js';

/** What a line itself can do, seen by a plain client at its far end. */
export interface LineLimit {
  readonly roundTripMs: number;
  /** Of one plain stream, in bytes per millisecond. */
  readonly bytesPerMs: number;
}

const ROUNDS = 7;

/** `across`: a registry that has the blob, over a line that nothing else uses. */
export async function lineLimit(across: string, repository: string, blob: Blob): Promise<LineLimit> {
  const far = new Connections();
  try {
    const roundTripMs = await roundTrip(far, across);
    const startedMs = performance.now();
    const answer = await far.request(`${across}/v2/${repository}/blobs/${blob.digest}`, 'GET');
    const tookMs = performance.now() - startedMs - roundTripMs;
    if (expectStatus(answer, 200, 'GET blob').bodyBytes !== blob.bytes) throw new Error('the blob came short');
    return { roundTripMs, bytesPerMs: blob.bytes / tookMs };
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
