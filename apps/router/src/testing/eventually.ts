import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds; the test's own limit ends what never does. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}
