import type { Clock, Random } from '#libs/resilience';
import type { Collector, CycleRequest } from './collector.js';
import type { CycleReport } from './cycle-report.js';
import { CollectionRunning } from './lease.js';

export interface CollectionsOptions {
  readonly collector: Collector;
  /** Between two collections; 0 for none but those that are asked for. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
  /** Aborts when the process stops. A collection goes on without whoever asked for it. */
  readonly signal: AbortSignal;
}

/** The collections of one process: now and then by themselves, and when somebody asks. */
export class Collections {
  constructor(private readonly options: CollectionsOptions) {}

  /** The collection that runs in this process, or ended in it last, a dry run included. */
  get here(): CycleReport | undefined {
    return this.options.collector.report;
  }

  /** Collects from time to time until the process stops. Of several processes, one collects. */
  async run(): Promise<void> {
    const { collector, intervalMs, clock, random, signal, onError } = this.options;
    while (intervalMs > 0 && !signal.aborted) {
      // Processes that began together should not always meet.
      await clock.sleep(Math.round(intervalMs * (0.75 + random.next() / 2)), signal);
      try {
        await collector.runCycle(signal);
      } catch (error) {
        if (!signal.aborted && !(error instanceof CollectionRunning)) onError(error);
      }
    }
  }

  /** Resolves as soon as it has begun. @throws CollectionRunning */
  begin(request: CycleRequest): Promise<CycleReport> {
    const { collector, signal, onError } = this.options;
    return new Promise((resolve, reject) => {
      let began = false;
      const onBegan = (report: CycleReport): void => {
        began = true;
        resolve(report);
      };
      collector.runCycle(signal, request, onBegan).catch((error: unknown) => {
        if (began && !signal.aborted) onError(error);
        reject(error);
      });
    });
  }
}
