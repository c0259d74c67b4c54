import { mixedRun } from './mixed-run.js';
import type { Options } from './options.js';
import type { Report } from './report.js';
import { progressTo, type RunContext } from './run-context.js';
import { World } from './world.js';

const MINUTE_MS = 60_000;
const SHORT_MS = 15_000;
const CLIENTS = 20;

/** Starts a world, runs what was asked for in it, and takes it down again. Logs and history stay when something is wrong. */
export async function run(options: Options, say: (line: string) => void, signal: AbortSignal): Promise<Report> {
  const { seed, storage, short, minutes = 5 } = options;
  say(`starting three regions on ${storage}`);
  const world = await World.start({ seed, storage, routerMode: seed % 2 === 0 ? 'proxy' : 'redirect' }, signal);
  let wrong = true;
  try {
    const context: RunContext = {
      ...{ world, seed, short, signal },
      clients: options.clients ?? CLIENTS,
      lastsMs: short && options.minutes === undefined ? SHORT_MS : minutes * MINUTE_MS,
      progress: progressTo(say, signal),
    };
    const report = await runners[options.scenario](context, options);
    wrong = report.violations.length > 0;
    return report;
  } finally {
    await world.stop({ keep: wrong || options.keep });
  }
}

const runners: Readonly<Record<Options['scenario'], (context: RunContext, options: Options) => Promise<Report>>> = {
  mixed: (context, { faults }) => mixedRun(context, faults),
  kill: (context, { faults }) => mixedRun(context, faults),
  flush: (context, { faults }) => mixedRun(context, faults),
  cuts: (context, { faults }) => mixedRun(context, faults),
  'faulty-store': (context, { faults }) => mixedRun(context, faults),
  'copy-kill': (context, { faults }) => mixedRun(context, faults),
};
