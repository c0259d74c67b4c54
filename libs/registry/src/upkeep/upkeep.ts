import type { Clock, Random } from '#libs/resilience';
import { UpkeepRunning } from './lease.js';

/** Work on the whole of a region, done by one of its processes at a time. */
export interface UpkeepWork<Request, Report> {
  /** What runs in this process, or ended in it last. */
  readonly report: Report | undefined;
  /** Tells that it began, with a report that goes on changing. @throws UpkeepRunning */
  run(signal: AbortSignal, request: Request, onBegan: (report: Report) => void): Promise<Report>;
}

export interface UpkeepOptions<Request, Report> {
  readonly work: UpkeepWork<Request, Report>;
  /** What nobody asked for. */
  readonly usual: Request;
  /** How long to wait for the next run; none but those that are asked for while it is `undefined`. */
  readonly pauseMs: (signal: AbortSignal) => Promise<number | undefined>;
  /** Whether it is still wanted after that pause: another process may have done it. */
  readonly isDue: (signal: AbortSignal) => Promise<boolean>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
  /** Aborts when the process stops. A run goes on without whoever asked for it. */
  readonly signal: AbortSignal;
}

/** When what to wait for could not be found out. */
const ASK_AGAIN_MS = 60_000;

/** The runs of one process: now and then by themselves, and when somebody asks. */
export class Upkeep<Request, Report> {
  constructor(private readonly options: UpkeepOptions<Request, Report>) {}

  /** The one that runs in this process, or ended in it last. */
  get here(): Report | undefined {
    return this.options.work.report;
  }

  /** Works from time to time until the process stops. Of several processes, one does. */
  async run(): Promise<void> {
    const { work, usual, isDue, clock, random, signal, onError } = this.options;
    while (!signal.aborted) {
      const pauseMs = await this.#pauseMs();
      if (pauseMs === undefined) return;
      // Processes that began together should not always meet.
      await clock.sleep(Math.round(pauseMs * (0.75 + random.next() / 2)), signal);
      try {
        if (await isDue(signal)) await work.run(signal, usual, () => undefined);
      } catch (error) {
        if (!signal.aborted && !(error instanceof UpkeepRunning)) onError(error);
      }
    }
  }

  /** Resolves as soon as it has begun. @throws UpkeepRunning */
  begin(request: Request): Promise<Report> {
    const { work, signal, onError } = this.options;
    return new Promise((resolve, reject) => {
      let began = false;
      const onBegan = (report: Report): void => {
        began = true;
        resolve(report);
      };
      work.run(signal, request, onBegan).catch((error: unknown) => {
        if (began && !signal.aborted) onError(error);
        reject(error);
      });
    });
  }

  async #pauseMs(): Promise<number | undefined> {
    const { pauseMs, signal, onError } = this.options;
    try {
      return await pauseMs(signal);
    } catch (error) {
      if (!signal.aborted) onError(error);
      return ASK_AGAIN_MS;
    }
  }
}
