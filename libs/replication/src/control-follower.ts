import { type CopyLimit, CopySchedule } from '#libs/geo';
import { type Clock, Notifier } from '#libs/resilience';
import { type ControlStore, type RetryRequest, retriesAfter } from './control-store.js';
import type { Steering } from './replicator.js';

/** How often it is looked whether something else is wanted: one small read. The schedule is looked at as often. */
const LOOK_MS = 1_000;

export interface ControlFollowerOptions {
  readonly store: ControlStore;
  /** What the configuration says, for as long as nobody says anything else. */
  readonly limits: readonly CopyLimit[];
  /** How many replicators of the region share its limits. */
  readonly sharers: () => number;
  readonly onSteering: (steering: Steering) => void;
  readonly onRetry: (request: RetryRequest) => void;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
}

/** Does what operators want of a region's replication, and what its schedule says at this time of the day. */
export class ControlFollower {
  readonly #nudged = new Notifier();
  #schedule: CopySchedule;
  #pausedSinceMs: number | undefined;
  #told = '';
  /** The last request to try again that was seen. Those of before this process are over: it tries everything anew. */
  #retried: number | undefined;

  constructor(private readonly options: ControlFollowerOptions) {
    this.#schedule = new CopySchedule(options.limits);
  }

  /** Something was changed: looks now. */
  look(): void {
    this.#nudged.notify();
  }

  /** Resolves when it is known how to begin. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#read(signal);
    this.#steer();
  }

  /** Goes on until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.options;
    for (;;) {
      const { version } = this.#nudged;
      try {
        await this.#read(signal);
      } catch (error) {
        signal.throwIfAborted();
        onError(error);
      }
      // Also when the store does not answer: the time of the day goes on.
      this.#steer();
      await this.#nudged.waitForBeat(version, LOOK_MS, clock, signal);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const controls = await this.options.store.read(signal);
    const limits = controls.limits ?? this.options.limits;
    if (JSON.stringify(limits) !== JSON.stringify(this.#schedule.limits)) this.#schedule = new CopySchedule(limits);
    this.#pausedSinceMs = controls.pausedSinceMs;
    const last = controls.retries.at(-1)?.number ?? 0;
    for (const request of retriesAfter(controls, this.#retried ?? last)) this.options.onRetry(request);
    this.#retried = last;
  }

  #steer(): void {
    const { clock, sharers, onSteering } = this.options;
    const { bytesPerSecond, copies } = this.#schedule.at(clock.now()) ?? {};
    const share = Math.max(1, sharers());
    const steering: Steering = {
      ...(this.#pausedSinceMs === undefined ? {} : { pausedSinceMs: this.#pausedSinceMs }),
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: Math.ceil(bytesPerSecond / share) }),
      ...(copies === undefined ? {} : { copies: Math.ceil(copies / share) }),
    };
    const told = JSON.stringify(steering);
    if (told === this.#told) return;
    this.#told = told;
    onSteering(steering);
  }
}
