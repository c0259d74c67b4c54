import { rmSync } from 'node:fs';
import type { Clock, Random } from '#libs/resilience';
import type { Options } from './arguments.js';
import { Cluster } from './cluster/cluster.js';
import { type ClusterPlan, localUrl, planCluster } from './cluster/plan.js';
import { DataDirectory } from './data-directory.js';
import { describeEarlierImages, listEarlierImages } from './demo/earlier-images.js';
import { runDemo } from './demo/run-demo.js';
import { INTERRUPTED_CODE, Interrupts } from './interrupts.js';
import { lockDataDirectory } from './lock.js';
import { messageOf } from './problem.js';
import { demoAsJson, reportDemo } from './report.js';
import { checkShape, rememberShape } from './shape.js';
import type { Terminal } from './terminal.js';
import { readLinkTable } from './wan/link-table.js';
import { whatNext } from './what-next.js';
import { whileWorking } from './while-working.js';

export interface SimulationContext {
  readonly options: Options;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: NodeJS.ProcessEnv;
  /** Standard output, for what programs read. */
  readonly print: (text: string) => void;
}

/** Starts a cluster, shows what it does, and leaves nothing running, whatever happens. */
export async function simulate(context: SimulationContext): Promise<void> {
  const { options, terminal, clock } = context;
  const plan = planCluster(options.regions, options.portBase, await readLinkTable(options.wanFile));
  const data = new DataDirectory(options.dataDirectory);
  await data.create();
  const unlock = await lockDataDirectory(data);
  try {
    if (options.fresh) await data.forget();
    const isKnown = await checkShape(data, options);
    await data.createParts(options.regions);
    const cluster = new Cluster({ ...context, plan, data });
    const interrupts = new Interrupts(clock, () => {
      cluster.kill();
      rmSync(data.lockFile, { force: true });
      process.exit(INTERRUPTED_CODE);
    });
    try {
      await run(context, { plan, data, cluster, interrupts, isKnown });
    } catch (error) {
      // Whatever was under way fails when it is called off; only --once has then not done what it was for.
      if (!interrupts.signal.aborted) throw error;
      if (options.once) throw interrupts.signal.reason;
    } finally {
      await whileWorking(terminal, clock, () => 'stopping everything', cluster.stop());
      interrupts.close();
    }
  } finally {
    await unlock();
  }
  terminal.done(`stopped; the data stays in ${data.path}`);
}

interface Run {
  readonly plan: ClusterPlan;
  readonly data: DataDirectory;
  readonly cluster: Cluster;
  readonly interrupts: Interrupts;
  /** There was a run on this data before. */
  readonly isKnown: boolean;
}

async function run(context: SimulationContext, { plan, data, cluster, interrupts, isKnown }: Run): Promise<void> {
  const { options, terminal, clock } = context;
  const startMs = clock.monotonic();
  await cluster.start(interrupts.signal);
  await rememberShape(data, options);
  announce(terminal, plan, clock.monotonic() - startMs);
  if (isKnown) await announceEarlier(terminal, plan, interrupts.signal);
  if (options.demo) {
    const result = await runDemo({ ...context, plan, imageMebibytes: options.imageMebibytes }, interrupts.signal);
    if (options.json) context.print(`${demoAsJson(result)}\n`);
    else reportDemo(terminal, plan, result);
  }
  if (options.once) return;
  terminal.line();
  for (const line of whatNext(plan, data, options.demo, terminal.style)) terminal.line(line);
  await interrupts.wait();
}

function announce(terminal: Terminal, plan: ClusterPlan, startMs: number): void {
  const { style } = terminal;
  terminal.done(`${plan.regions.length} regions are up after ${(startMs / 1_000).toFixed(1)} s`);
  terminal.line(`  router         ${style.bold(localUrl(plan.ports.router))}`);
  for (const { name, role, ports } of plan.regions)
    terminal.line(`  ${name.padEnd(14)} ${localUrl(ports.registry)}  ${style.dim(role)}`);
}

/** Only told: a list that cannot be had is no reason to end. */
async function announceEarlier(terminal: Terminal, plan: ClusterPlan, signal: AbortSignal): Promise<void> {
  try {
    const earlier = await listEarlierImages(localUrl(plan.primary.ports.registry), signal);
    const found = earlier.repositories.length === 0 ? 'no images' : describeEarlierImages(earlier);
    terminal.done(`found from before: ${found}`);
  } catch (error) {
    signal.throwIfAborted();
    terminal.warn(`what there is from before could not be listed: ${messageOf(error)}`);
  }
}
