import type { Options, ScenarioName } from './options.js';
import type { Report } from './report.js';
import { progressTo, type RunContext } from './run-context.js';
import { bootstrap } from './scenarios/bootstrap.js';
import { copyKill } from './scenarios/copy-kill.js';
import { cuts } from './scenarios/cuts.js';
import { deletedCopy } from './scenarios/deleted-copy.js';
import { faultyStore } from './scenarios/faulty-store.js';
import { forgetting } from './scenarios/flush.js';
import { fullDisk } from './scenarios/full-disk.js';
import { kill } from './scenarios/kill.js';
import { mixed } from './scenarios/mixed.js';
import { scrub } from './scenarios/scrub.js';
import { writeKills } from './scenarios/write-kills.js';
import { World, type WorldOptions } from './world.js';

const MINUTE_MS = 60_000;
const SHORT_MS = 15_000;
const CLIENTS = 20;
const ORDINARY = { storeProxies: false, peerProxies: false, gcGraceMs: undefined };
/** Kinds of runs that need more than three ordinary regions. */
const SPECIAL: Partial<Readonly<Record<ScenarioName, Partial<WorldOptions>>>> = {
  mixed: { storeProxies: true, peerProxies: true },
  'faulty-store': { storeProxies: true },
  'full-disk': { storeProxies: true },
  'write-kills': { storeProxies: true },
  'deleted-copy': { gcGraceMs: 10_000 },
};

/** Starts a world, runs what was asked for in it, and takes it down again. Logs and history stay when something is wrong. */
export async function run(options: Options, say: (line: string) => void, signal: AbortSignal): Promise<Report> {
  const { seed, storage, short, minutes = 5 } = options;
  say(`starting three regions on ${storage}`);
  const routerMode = seed % 2 === 0 ? 'proxy' : 'redirect';
  const world = await World.start({ ...ORDINARY, seed, storage, routerMode, ...SPECIAL[options.scenario] }, signal);
  let wrong = true;
  try {
    const context: RunContext = {
      ...{ world, seed, short, signal, say, faults: options.faults },
      clients: options.clients ?? CLIENTS,
      lastsMs: short && options.minutes === undefined ? SHORT_MS : minutes * MINUTE_MS,
      progress: progressTo(say, signal),
    };
    const report = await runners[options.scenario](context);
    wrong = report.violations.length > 0;
    return report;
  } finally {
    await world.stop({ keep: options.keep || (wrong && !signal.aborted) });
  }
}

const runners: Readonly<Record<Options['scenario'], (context: RunContext) => Promise<Report>>> = {
  mixed,
  kill,
  flush: forgetting,
  cuts,
  'faulty-store': faultyStore,
  'copy-kill': copyKill,
  'deleted-copy': deletedCopy,
  'full-disk': fullDisk,
  bootstrap,
  scrub,
  'write-kills': writeKills,
};
