import { type Clock, exponentialBackoff, Limiter, Notifier, type Random } from '#libs/resilience';
import type { Entry } from './entry.js';
import type { Guard } from './journal.js';

export type ApplyEntry = (entry: Entry, signal: AbortSignal) => Promise<void>;

/** Entries applied at once: enough to hide the store's latency, few enough to leave it to others. */
const CONCURRENCY = 32;

/**
 * Entries that are in the journal and not yet applied in this process. Each is tried until it is applied or the process
 * stops: an entry in the journal is a fact, whatever its writer was told. A change that one of them touches has to wait.
 */
export class Applying {
  readonly #pending = new Map<number, { readonly entry: Entry; readonly done: Promise<void> }>();
  readonly #settled = new Notifier();
  readonly #limiter = new Limiter(CONCURRENCY);

  constructor(
    private readonly options: {
      readonly apply: ApplyEntry;
      readonly clock: Clock;
      readonly random: Random;
      readonly onRetry: (entry: Entry, error: unknown) => void;
      /** Aborts when the process stops. */
      readonly signal: AbortSignal;
    },
  ) {}

  start(entry: Entry): void {
    const done = this.#applyUntilDone(entry).then(() => {
      this.#pending.delete(entry.seq);
      this.#settled.notify();
    });
    // Whoever waits sees the rejection; with nobody waiting there is nobody to tell: the process is stopping.
    done.catch(() => undefined);
    this.#pending.set(entry.seq, { entry, done });
  }

  /** Resolves once that entry is applied here; at once if it is not pending. */
  async whenApplied(seq: number): Promise<void> {
    await this.#pending.get(seq)?.done;
  }

  /** Resolves once every entry that is pending now is applied here. */
  async whenAllApplied(): Promise<void> {
    await Promise.all([...this.#pending.values()].map(({ done }) => done));
  }

  touches(guard: Guard): boolean {
    for (const { entry } of this.#pending.values()) if (guard.touchedBy(entry)) return true;
    return false;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Changes with every entry that gets applied; take it before looking at {@link touches}, give it to {@link whenChanged}. */
  get version(): number {
    return this.#settled.version;
  }

  async whenChanged(version: number): Promise<void> {
    const { clock, signal } = this.options;
    await this.#settled.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
  }

  async #applyUntilDone(entry: Entry): Promise<void> {
    const { apply, clock, random, onRetry, signal } = this.options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#limiter.run(signal, () => apply(entry, signal));
      } catch (error) {
        signal.throwIfAborted();
        onRetry(entry, error);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 50, capMs: 5_000 }, random), signal);
      }
    }
  }
}
