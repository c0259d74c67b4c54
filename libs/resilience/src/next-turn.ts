import { setImmediate } from 'node:timers/promises';

/** Resolves when everything that is waiting to be handled now has been: a place to stop in long work, or to gather what comes together. */
export async function nextTurn(): Promise<void> {
  await setImmediate();
}
