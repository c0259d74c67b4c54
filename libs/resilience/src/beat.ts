import type { Clock } from './clock.js';

/** A timer may fire so much before its time, by the finer clock; two beats must not become of one. */
const EARLY_MS = 1;

/**
 * Resolves at the next of this process's beats: each `periodMs`, at the same moments for all who wait for beats of that
 * length. Whoever looks at something again and again waits for those, so that an idle process is woken once for all its
 * looks and not once for each: to be woken costs more than most of them.
 */
export function nextBeat(periodMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return clock.sleep(untilBeat(periodMs, clock), signal);
}

/** How long it takes until then: a whole number of milliseconds. */
export function untilBeat(periodMs: number, clock: Clock): number {
  return Math.ceil(periodMs - (clock.monotonic() % periodMs)) + EARLY_MS;
}
