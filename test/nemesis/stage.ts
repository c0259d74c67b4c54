import { join } from 'node:path';
import { systemClock } from '#libs/resilience';
import type { Violation } from '../checkers/index.js';
import { finish } from './finish.js';
import { RecordedHistory } from './history-file.js';
import { figuresOf, type Report } from './report.js';
import type { RunContext } from './run-context.js';
import { Workload, type WorkloadOptions } from './workload.js';

/** All of them are read everywhere in the end, which takes most of the time of a short run. */
const MANY = { repositories: 10, tags: 30 };
const FEW = { repositories: 4, tags: 8 };

/** What every run has: a history, clients, and an end at which all of it is judged. */
export class Stage {
  readonly history: RecordedHistory;
  readonly workload: Workload;
  readonly #startMs = systemClock.monotonic();

  constructor(
    private readonly title: string,
    private readonly context: RunContext,
    options: Partial<WorkloadOptions> = {},
  ) {
    const { world, seed, clients, short } = context;
    this.history = new RecordedHistory(join(world.directory, 'history.jsonl'));
    this.workload = new Workload(world, this.history, {
      ...{ seed, clients, pushShare: 0.25, tiny: false, pauseMs: 30 },
      ...(short ? FEW : MANY),
      ...options,
    });
  }

  /** Everything has to be healed by now. */
  async conclude(
    figures: Report['figures'],
    violations: readonly Violation[] = [],
    readEveryPush = false,
  ): Promise<Report> {
    const { world, seed, signal } = this.context;
    const { operations, path } = this.history;
    const end = await finish(world, this.workload, operations, { readEveryPush, signal });
    await this.history.close();
    const equal = `equal after ${(end.equalAfterMs / 1_000).toFixed(1)} s`;
    return {
      title: this.title,
      seed,
      tookMs: systemClock.monotonic() - this.#startMs,
      violations: [...violations, ...end.violations],
      operations,
      figures: [...figuresOf(operations), ...figures, [equal, '']],
      historyFile: path,
      directory: world.directory,
    };
  }
}
