import { keys, type ObjectStore } from '#libs/storage';
import type { ScrubReport } from './scrub-report.js';

/** Soon, and yet not at once: the process that was at it may only be slow. */
const RESUME_MS = 60_000;

/** Until the first one of a region. */
const FIRST_MS = 60 * 60_000;

/** The region's scrub, as it is stored: under way, interrupted, or the last one. */
export interface ScrubState {
  readonly report: ScrubReport;
  /** Everything up to this key was looked at. */
  readonly after?: string;
}

export async function readScrub(store: ObjectStore, signal: AbortSignal): Promise<ScrubState | undefined> {
  const found = await store.read(keys.scrubState, signal);
  return found === undefined ? undefined : (JSON.parse(Buffer.from(found.bytes).toString()) as ScrubState);
}

/** The region's scrub, as it was stored last, whichever process makes it. */
export async function lastScrub(store: ObjectStore, signal: AbortSignal): Promise<ScrubReport | undefined> {
  return (await readScrub(store, signal))?.report;
}

/** How long until the next scrub is due: one that was interrupted goes on soon, however often processes begin anew. */
export async function untilNextScrub(
  store: ObjectStore,
  { intervalMs, nowMs }: { readonly intervalMs: number; readonly nowMs: number },
  signal: AbortSignal,
): Promise<number> {
  const last = await lastScrub(store, signal);
  if (last === undefined) return Math.min(intervalMs, FIRST_MS);
  const soonMs = Math.min(intervalMs, RESUME_MS);
  if (last.finishedMs === undefined) return soonMs;
  return Math.min(intervalMs, Math.max(soonMs, last.finishedMs + intervalMs - nowMs));
}

/** Whether another process came first: a good part of the time until the next one is still left. */
export async function wasScrubbed(
  store: ObjectStore,
  { intervalMs, nowMs }: { readonly intervalMs: number; readonly nowMs: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { finishedMs } = (await lastScrub(store, signal)) ?? {};
  return finishedMs !== undefined && nowMs - finishedMs < intervalMs / 2;
}
