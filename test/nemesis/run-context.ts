import { systemClock } from '#libs/resilience';
import type { Report } from './report.js';
import { duration } from './report.js';
import type { World } from './world.js';

type Figures = Report['figures'];

/** What every kind of run is given. */
export interface RunContext {
  readonly world: World;
  readonly seed: number;
  readonly clients: number;
  /** Kinds of them. */
  readonly faults: readonly string[];
  /** How long faults happen. */
  readonly lastsMs: number;
  /** Whether a smaller share is enough. */
  readonly short: boolean;
  readonly signal: AbortSignal;
  /** Tells what is going on. */
  readonly say: (line: string) => void;
  /** Lets time pass, and says now and then how it goes. */
  readonly progress: (lastsMs: number, figures: () => Figures) => Promise<void>;
}

const REPORT_MS = 5_000;

export function progressTo(say: (line: string) => void, signal: AbortSignal): RunContext['progress'] {
  return async (lastsMs, figures) => {
    const startMs = systemClock.monotonic();
    for (;;) {
      const goneMs = systemClock.monotonic() - startMs;
      if (goneMs >= lastsMs) return;
      await systemClock.sleep(Math.min(REPORT_MS, lastsMs - goneMs), signal);
      const now = Math.min(systemClock.monotonic() - startMs, lastsMs);
      say(
        `${duration(now)} of ${duration(lastsMs)}: ${figures()
          .map(([value, what]) => `${value} ${what}`)
          .join(', ')}`,
      );
    }
  };
}
