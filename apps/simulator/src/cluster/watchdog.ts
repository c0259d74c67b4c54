/**
 * A program of its own: ends the simulator's processes when the simulator cannot do that any more (SIGKILL).
 * Its standard input is a pipe from the simulator with one line for each process group, `+<id>` when it begins and
 * `-<id>` when it has ended. The pipe closes with the simulator, however that ends.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '#libs/resilience';

/** What a transfer may take to end by itself. */
const GRACE_MS = 10_000;
const POLL_MS = 100;

const groups = new Set<number>();
const forever = new AbortController().signal;

for await (const line of createInterface({ input: process.stdin })) {
  const group = Number(line.slice(1));
  if (!Number.isSafeInteger(group) || group <= 1) continue;
  if (line.startsWith('+')) groups.add(group);
  else groups.delete(group);
}

signalAll('SIGTERM');
const deadline = systemClock.monotonic() + GRACE_MS;
while (groups.size > 0 && systemClock.monotonic() < deadline) {
  await systemClock.sleep(POLL_MS, forever);
  signalAll(0);
}
signalAll('SIGKILL');

/** Signals every group that is left, and forgets those that are not. */
function signalAll(signal: NodeJS.Signals | 0): void {
  for (const group of groups) {
    try {
      process.kill(-group, signal);
    } catch {
      groups.delete(group);
    }
  }
}
