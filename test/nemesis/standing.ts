import { systemClock } from '#libs/resilience';
import { keys, type ObjectStore } from '#libs/storage';
import { PRIMARY, REGIONS } from './places.js';
import type { World } from './world.js';

const POLL_MS = 200;
/** The head has to stay the same for so many looks: an append without an answer may still come. */
const STEADY_LOOKS = 5;

/** How far every region says that it is, read from the buckets. */
export interface Standing {
  readonly head: number;
  readonly watermarks: Readonly<Record<string, number>>;
}

/** Waits until every one of the regions stands at the head of the journal. @returns how long that took, or where they stood at the end */
export async function untilEqual(
  world: World,
  limitMs: number,
  signal: AbortSignal,
  regions: readonly string[] = REGIONS,
): Promise<{ readonly equal: boolean; readonly afterMs: number; readonly standing: Standing }> {
  const buckets = new Map<string, ObjectStore>();
  for (const region of new Set([PRIMARY, ...regions])) buckets.set(region, await world.openBucket(region));
  const startMs = systemClock.monotonic();
  let equalSinceMs: number | undefined;
  let looks = 0;
  let before = -1;
  for (;;) {
    const standing = await standingOf(buckets, signal);
    const nowMs = systemClock.monotonic();
    const equal = Object.values(standing.watermarks).every((watermark) => watermark === standing.head);
    looks = equal && standing.head === before ? looks + 1 : 0;
    equalSinceMs = equal ? (equalSinceMs ?? nowMs) : undefined;
    before = standing.head;
    if (looks >= STEADY_LOOKS && equalSinceMs !== undefined)
      return { equal, afterMs: equalSinceMs - startMs, standing };
    if (nowMs - startMs > limitMs && !equal) return { equal, afterMs: nowMs - startMs, standing };
    await systemClock.sleep(POLL_MS, signal);
  }
}

async function standingOf(buckets: ReadonlyMap<string, ObjectStore>, signal: AbortSignal): Promise<Standing> {
  const watermarks: Record<string, number> = {};
  for (const [region, store] of buckets) watermarks[region] = await watermarkOf(store, signal);
  const primary = buckets.get(PRIMARY);
  return { head: primary === undefined ? 0 : await headOf(primary, signal), watermarks };
}

export async function watermarkOf(store: ObjectStore, signal: AbortSignal): Promise<number> {
  const found = await store.read(keys.progress, signal);
  return found === undefined ? 0 : (JSON.parse(Buffer.from(found.bytes).toString()) as { watermark: number }).watermark;
}

/** The last entry of the last batch. */
async function headOf(store: ObjectStore, signal: AbortSignal): Promise<number> {
  let last: string | undefined;
  for (;;) {
    const page = await store.list(
      { prefix: 'journal/', limit: 1_000, ...(last === undefined ? {} : { startAfter: last }) },
      signal,
    );
    last = page.objects.at(-1)?.key ?? last;
    if (!page.more) break;
  }
  const batch = last === undefined ? undefined : await store.read(last, signal);
  if (batch === undefined) return 0;
  const [header = '{}'] = Buffer.from(batch.bytes).toString().split('\n', 1);
  const { firstSeq = 1, count = 0 } = JSON.parse(header) as { firstSeq?: number; count?: number };
  return firstSeq + count - 1;
}
