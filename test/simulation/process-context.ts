import { type AppContext, configSchema } from '#libs/platform';
import type { FaultPlan } from './fault-plan.js';
import type { SimulatedProcess } from './simulated-process.js';

/** Configuration as an operator gets it who says nothing: a setting that is added is there for simulated processes too. */
const DEFAULTS = configSchema.omit({ topology: true, clusterKeyFile: true }).parse({});

/** Of the plan, what a process is configured with. */
type Limits = Pick<FaultPlan, 'gcIntervalMs' | 'gcGraceMs' | 'uploadIdleMs' | 'silentAfterMs'>;

/** Longer than any write is late: nobody fills the place of a batch that was cut off. */
const JOURNAL_KEEP_MS = 15_000;

/** What the applications' own functions take of their surroundings: the log is the trace, and nobody reads the metrics. */
export function processContext({ clock, random, name, universe }: SimulatedProcess, limits: Limits): AppContext {
  const say = (fields: unknown, what: string): void => universe.trace.say(name, `${what}${reasonOf(fields)}`);
  const { gcIntervalMs: intervalMs, gcGraceMs: graceMs, uploadIdleMs, silentAfterMs } = limits;
  const gc = { ...DEFAULTS.gc, intervalMs, graceMs, uploadIdleMs, uploadMaxAgeMs: 10 * uploadIdleMs, maxShare: 1 };
  const journal = { ...DEFAULTS.journal, keepMs: JOURNAL_KEEP_MS, silentAfterMs };
  const config = { ...DEFAULTS, gc, journal };
  const log = { debug: say, info: say, warn: say, error: say };
  return { clock, random, log, metrics: unread, config } as unknown as AppContext;
}

function reasonOf(fields: unknown): string {
  const error: unknown = (fields as { readonly err?: unknown }).err;
  return error === undefined ? '' : `: ${String(error)}`;
}

const instrument = { inc: () => undefined, set: () => undefined, observe: () => undefined };
const unread: unknown = new Proxy({}, { get: () => instrument });
