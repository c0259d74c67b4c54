import { join } from 'node:path';
import { systemClock } from '#libs/resilience';
import { finish } from './finish.js';
import { collectGarbage } from './garbage.js';
import { RecordedHistory } from './history-file.js';
import { Nemesis } from './nemesis.js';
import { figuresOf, type Report } from './report.js';
import type { RunContext } from './run-context.js';
import { Workload } from './workload.js';

/** Clients do everything there is while several kinds of faults happen at a time. */
export async function mixedRun(context: RunContext, kinds: readonly string[]): Promise<Report> {
  const { world, seed, clients, lastsMs, signal, progress } = context;
  const history = new RecordedHistory(join(world.directory, 'history.jsonl'));
  const workload = new Workload(world, history, { seed, clients, pushShare: 0.25, pauseMs: 30 });
  const nemesis = new Nemesis(world, { seed, kinds, lanes: 3, shortestMs: 500, longestMs: 6_000, restMs: 1_500 });
  const startMs = systemClock.monotonic();
  const over = new AbortController();
  const working = workload.run(over.signal, signal);
  const collecting = collectGarbage(world, over.signal);
  const troubling = nemesis.run(over.signal);
  await progress(lastsMs, () => [...figuresOf(history.operations), [nemesis.total, 'faults']]);
  over.abort();
  await troubling;
  await working;
  const collected = await collecting;
  const { violations, equalAfterMs } = await finish(world, workload, history.operations, signal);
  await history.close();
  return {
    title: 'nemesis',
    seed,
    tookMs: systemClock.monotonic() - startMs,
    violations,
    operations: history.operations,
    figures: [
      ...figuresOf(history.operations),
      [nemesis.total, `faults of ${nemesis.counts.size} kinds`],
      [collected, 'collections'],
      [`equal after ${(equalAfterMs / 1_000).toFixed(1)} s`, ''],
    ],
    historyFile: history.path,
    directory: world.directory,
  };
}
