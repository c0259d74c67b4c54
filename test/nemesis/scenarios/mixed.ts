import { collectGarbage } from '../garbage.js';
import { Nemesis } from '../nemesis.js';
import { figuresOf, type Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';

/** Clients do everything there is while several kinds of faults happen at a time. */
export async function mixed(context: RunContext): Promise<Report> {
  const { world, seed, faults, lastsMs, signal, progress } = context;
  const stage = new Stage('nemesis', context);
  const nemesis = new Nemesis(world, {
    seed,
    kinds: faults,
    lanes: 3,
    shortestMs: 500,
    longestMs: 6_000,
    restMs: 1_500,
  });
  const over = new AbortController();
  const working = stage.workload.run(over.signal, signal);
  const collecting = collectGarbage(world, over.signal);
  const troubling = nemesis.run(over.signal);
  await progress(lastsMs, () => [...figuresOf(stage.history.operations), [nemesis.total, 'faults']]);
  over.abort();
  await troubling;
  await working;
  const collected = await collecting;
  return stage.conclude([
    [nemesis.total, `faults of ${nemesis.counts.size} kinds`],
    [collected, 'collections'],
  ]);
}
