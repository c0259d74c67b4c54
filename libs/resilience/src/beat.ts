import { onAbort } from './abort.js';
import type { Clock } from './clock.js';

/** A timer may fire so much before its time, by the finer clock; two beats must not become of one. */
const EARLY_MS = 1;

interface Beat {
  readonly waiting: Set<() => void>;
  readonly over: AbortController;
}

/** The beats that somebody waits for, by when they are due. */
const beats = new WeakMap<Clock, Map<number, Beat>>();

/**
 * Resolves at the next of this process's beats: each `periodMs`, at the same moments for all who wait for beats of that
 * length or of a part of it. Whoever looks at something again and again waits for those, so that an idle process is woken
 * once for all its looks and not once for each: to be woken costs more than most of them. One timer serves them all, for two
 * that are due at the same time fire a millisecond apart.
 */
export function nextBeat(periodMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const leave = onBeat(periodMs, clock, () => {
      stop();
      resolve();
    });
    const stop = onAbort(signal, () => {
      leave();
      reject(signal.reason);
    });
  });
}

/** Calls `wake` at that beat, once. @returns how not to wait for it any more */
export function onBeat(periodMs: number, clock: Clock, wake: () => void): () => void {
  const nowMs = clock.monotonic();
  const dueMs = (Math.floor(nowMs / periodMs) + 1) * periodMs;
  const beat = find(clock, dueMs) ?? begin(clock, dueMs, nowMs);
  beat.waiting.add(wake);
  return () => {
    if (beat.waiting.delete(wake) && beat.waiting.size === 0) beat.over.abort(NOBODY_WAITS);
  };
}

/** How many beats of that length came since the clock's origin: what was counted at another one tells whether any did. */
export function beatsSoFar(periodMs: number, clock: Clock): number {
  return Math.floor(clock.monotonic() / periodMs);
}

function find(clock: Clock, dueMs: number): Beat | undefined {
  const beat = beats.get(clock)?.get(dueMs);
  return beat?.over.signal.aborted === true ? undefined : beat;
}

function begin(clock: Clock, dueMs: number, nowMs: number): Beat {
  const beat = { waiting: new Set<() => void>(), over: new AbortController() };
  const ofClock = beats.get(clock) ?? new Map<number, Beat>();
  beats.set(clock, ofClock.set(dueMs, beat));
  const end = (): void => {
    if (ofClock.get(dueMs) === beat) ofClock.delete(dueMs);
    for (const wake of beat.waiting) {
      // Who leaves when it was woken ends nothing any more.
      beat.waiting.delete(wake);
      wake();
    }
  };
  clock.sleep(Math.ceil(dueMs - nowMs) + EARLY_MS, beat.over.signal).then(end, end);
  return beat;
}

/** Nobody sees it, and making one each time costs more than the rest. */
const NOBODY_WAITS = new Error('nobody waits for it any more');
