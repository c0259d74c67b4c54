import { systemClock } from '#libs/resilience';
import type { Operation, Violation } from '../checkers/index.js';
import { deathsIn, gather, judge, statusIsTrue } from './judge.js';
import { untilEqual } from './standing.js';
import type { Workload } from './workload.js';
import { CLIENTS, type World } from './world.js';

/** I4: equal so soon after the last fault and write; what is missing then are kilobytes. */
const EQUAL_WITHIN_MS = 30_000;
const ASKED_TAGS = 40;

export interface Finish {
  readonly violations: readonly Violation[];
  readonly equalAfterMs: number;
}

/** After the last fault and write: everything up, equal in time, read once more, and judged. */
export async function finish(
  world: World,
  workload: Workload,
  operations: readonly Operation[],
  { readEveryPush, signal }: { readonly readEveryPush: boolean; readonly signal: AbortSignal },
): Promise<Finish> {
  await Promise.all(world.seats.map((seat) => seat.untilReady(signal)));
  const { equal, afterMs, standing } = await untilEqual(world, EQUAL_WITHIN_MS, signal);
  const late: Violation[] = equal
    ? []
    : [{ checker: 'C5 convergence', what: `not equal after ${EQUAL_WITHIN_MS} ms: ${JSON.stringify(standing)}` }];
  // The last word of the clients is not delayed by a line: it is long, and nothing is measured.
  for (const link of world.network.links) if (link.from !== CLIENTS) link.change({ roundTripMs: 0 });
  const before = systemClock.monotonic();
  await workload.finalReads(signal);
  if (readEveryPush) await workload.readEveryPush(signal);
  const evidence = await gather(world, operations);
  const found = [...judge(evidence), ...deathsIn(world), ...unansweredAtTheEnd(operations, before)];
  return {
    violations: [...late, ...found, ...(await statusIsTrue(world, evidence, ASKED_TAGS))],
    equalAfterMs: afterMs,
  };
}

/** With everything healed no read may fail. */
function unansweredAtTheEnd(operations: readonly Operation[], sinceMs: number): readonly Violation[] {
  return operations
    .filter(({ startMs, outcome }) => startMs >= sinceMs && outcome !== 'ok')
    .map(({ id, why }) => ({ checker: 'available again', what: `#${id} was not answered: ${why}` }));
}
