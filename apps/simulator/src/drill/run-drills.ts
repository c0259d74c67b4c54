import type { Clock, Random } from '#libs/resilience';
import { INTERRUPTED_CODE, Interrupted, Interrupts } from '../interrupts.js';
import { ImageBuilder } from '../measure/measured-image.js';
import { waitForMeasured } from '../measure/place-image.js';
import { Problem } from '../problem.js';
import { openTarget } from '../target/open-target.js';
import type { Target } from '../target/target.js';
import type { Terminal } from '../terminal.js';
import { whileWorking } from '../while-working.js';
import type { DrillOptions } from './arguments.js';
import type { Check, Drill } from './drill.js';
import { REPOSITORY, Traffic } from './traffic.js';

export interface DrillsContext {
  readonly options: DrillOptions;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
}

/** Small images of 200 kB, big ones of 5 MB: a drill is about whether, not about how fast. */
const SCALE = 0.02;
/** All is well for a moment, before it is not. */
const BEFORE_MS = 2_000;

/** Each drill on a cluster of its own, where it is the embedded one. @returns whether everything held */
export async function runDrills(context: DrillsContext): Promise<boolean> {
  const { options, terminal, clock } = context;
  const interrupts = new Interrupts(clock, () => process.exit(INTERRUPTED_CODE));
  const failed: string[] = [];
  try {
    for (const drill of options.drills) {
      const checks = await runDrill(context, drill, interrupts.signal);
      if (!checks.every(({ holds }) => holds)) failed.push(drill.name);
    }
  } catch (error) {
    throw interrupts.signal.aborted && !(error instanceof Interrupted) ? interrupts.signal.reason : error;
  } finally {
    interrupts.close();
  }
  if (failed.length === 0) terminal.done(`what must hold, held: ${options.drills.map(({ name }) => name).join(', ')}`);
  else terminal.warn(`something did not hold: ${failed.join(', ')}`);
  return failed.length === 0;
}

async function runDrill(context: DrillsContext, drill: Drill, signal: AbortSignal): Promise<readonly Check[]> {
  const { options, terminal, clock } = context;
  terminal.line(terminal.style.bold(`${drill.name}: ${drill.summary}`));
  const opening = openTarget(options.target, clock, signal);
  const target = await whileWorking(terminal, clock, () => 'starting the cluster', opening);
  try {
    const checks = await drillTarget(context, drill, target, signal);
    for (const { what, seen, holds } of checks) {
      if (holds) terminal.done(`${what}: ${seen}`);
      else terminal.warn(`${what}: ${seen}`);
    }
    return checks;
  } finally {
    await whileWorking(terminal, clock, () => 'stopping the cluster', target.close());
  }
}

async function drillTarget(
  { terminal, clock, random }: DrillsContext,
  drill: Drill,
  target: Target,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { faults } = target;
  const victim = target.regions.find(({ role }) => role === 'replica');
  if (faults === undefined || victim === undefined) throw new Problem('this cluster cannot be drilled');
  const images = new ImageBuilder(SCALE, clock, random);
  const traffic = new Traffic({ target, images, clock, signal });
  let now = 'pulling and pushing';
  const onProgress = (what: string): void => {
    now = what;
  };
  const drilling = async (): Promise<readonly Check[]> => {
    const image = await traffic.start();
    await waitForMeasured(target, REPOSITORY, image, () => undefined, clock, signal);
    await clock.sleep(BEFORE_MS, signal);
    return drill.run({ target, faults, victim, traffic, images, clock, onProgress, signal });
  };
  try {
    return await whileWorking(
      terminal,
      clock,
      () => `${traffic.attempts.length} pulls and pushes · ${now}`,
      drilling(),
    );
  } finally {
    await traffic.stop();
  }
}
