import type { RegionProgress } from '#libs/peer';
import { beatsSoFar, type Clock, withDeadline } from '#libs/resilience';
import type { ProgressStore } from './progress-store.js';
import type { RegionStanding } from './region-standing.js';

/** Progress is stored at most this often; what a crash loses of it is applied again. */
const SAVE_MS = 200;

/** A change is told at once, and those that follow on its heels together. */
const REPORT_MS = 20;

/** While nothing changes it is looked this often whether something did that nobody was told of. */
const LOOK_MS = 1_000;

/** That the primary was heard again is told this often, if nothing else is: at the beats at which processes say that they live. */
export const QUIET_REPORT_MS = 3_000;

export interface ProgressTellerOptions {
  readonly standing: RegionStanding;
  readonly current: () => RegionProgress;
  readonly store: ProgressStore;
  readonly clock: Clock;
  readonly onProgress: (progress: RegionProgress) => void;
  readonly onRetry: (what: string, error: unknown) => void;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** Tells how far a region is, each time that changes: to whoever listens, soon; to the store, for the next start. */
export class ProgressTeller {
  /** What was said at the end of a second in which nothing was known to change. */
  #quietly: string | undefined;

  constructor(private readonly options: ProgressTellerOptions) {}

  async keepReporting(): Promise<void> {
    const { current, clock, onProgress, signal } = this.options;
    const { changed } = this.options.standing;
    for (;;) {
      const { version } = changed;
      const toldMs = clock.monotonic();
      const quietBeats = beatsSoFar(QUIET_REPORT_MS, clock);
      onProgress(current());
      await this.#untilNews(version, quietBeats);
      const pauseMs = REPORT_MS - (clock.monotonic() - toldMs);
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
    }
  }

  /** What was told before a quiet second is told once more at its end: others may not have heard it. */
  async #untilNews(version: number, quietBeats: number): Promise<void> {
    const { standing, clock, signal } = this.options;
    if (await standing.changed.waitForBeat(version, LOOK_MS, clock, signal)) {
      this.#quietly = undefined;
      return;
    }
    const quietly = this.#quietly;
    this.#quietly = this.#allButHeard();
    if (quietly !== this.#quietly) return;
    if (beatsSoFar(QUIET_REPORT_MS, clock) > quietBeats) return;
    return this.#untilNews(version, quietBeats);
  }

  #allButHeard(): string {
    return JSON.stringify({ ...this.options.current(), heardMs: 0 });
  }

  async keepSaving(): Promise<void> {
    const { standing, current, store, clock, onRetry, signal } = this.options;
    for (let saved = ''; ; ) {
      const { version } = standing.changed;
      // That the primary was heard again is no reason to write: an idle region leaves its store alone.
      const { mark } = standing;
      if (saved === mark) {
        await this.#untilChanged(version);
        continue;
      }
      try {
        await store.save(current(), signal);
        saved = mark;
      } catch (error) {
        signal.throwIfAborted();
        onRetry('storing the progress', error);
      }
      await clock.sleep(SAVE_MS, signal);
    }
  }

  /** Once more, when everything else has ended. */
  async saveLast(limitMs: number): Promise<void> {
    const { store, current, clock } = this.options;
    await withDeadline(new AbortController().signal, limitMs, clock, (signal) => store.save(current(), signal));
  }

  async #untilChanged(version: number): Promise<void> {
    const { standing, clock, signal } = this.options;
    await standing.changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
  }
}
