import type { Glob, RegionName } from '#libs/geo';
import type { Random } from '#libs/resilience';
import { Verification, type VerificationOptions } from './verification.js';
import { freshVerdict, outcomeOf, type VerifyReport } from './verify-report.js';

export interface VerifyRequest {
  /** Only these; all without it. */
  readonly repositories?: Glob;
  readonly regions: readonly RegionName[];
  /** Whether each region reads its blobs again. */
  readonly rehash: boolean;
}

export interface VerificationsOptions extends VerificationOptions {
  readonly random: Random;
  readonly onFinished: (report: VerifyReport) => void;
  /** Aborts when the process stops. A verification goes on without whoever asked for it. */
  readonly signal: AbortSignal;
}

/** The verifications of one process: one at a time. */
export class Verifications {
  #report: VerifyReport | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly options: VerificationsOptions) {}

  /** The one that runs, or ended last. */
  get here(): VerifyReport | undefined {
    return this.#report;
  }

  /** Resolves when the one that runs has ended; at once if none does. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** @returns a report that goes on changing; `undefined` if one is running @throws StorageError */
  async begin(request: VerifyRequest, signal: AbortSignal): Promise<VerifyReport | undefined> {
    const { primary, random, clock } = this.options;
    const seq = await primary.upTo(signal);
    if (this.#running !== undefined) return undefined;
    const { repositories, regions, rehash } = request;
    const report: VerifyReport = {
      ...{ verify: random.uuid(), startedMs: clock.now(), outcome: 'running', seq, rehash },
      ...(repositories === undefined ? {} : { repositories }),
      regions: regions.map(freshVerdict),
    };
    this.#report = report;
    this.#running = this.#run(report, repositories).finally(() => {
      this.#running = undefined;
    });
    return report;
  }

  /** Regions side by side: each reads its own store. */
  async #run(report: VerifyReport, repositories: Glob | undefined): Promise<void> {
    const { signal, clock, onFinished } = this.options;
    const verification = new Verification(this.options, report, repositories);
    try {
      await Promise.all(report.regions.map((verdict) => verification.run(verdict, signal)));
      report.outcome = outcomeOf(report.regions);
    } catch (error) {
      report.outcome = 'failed';
      report.reason = error instanceof Error ? error.message : String(error);
    }
    report.finishedMs = clock.now();
    onFinished(report);
  }
}
