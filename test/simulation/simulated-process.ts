import type { Clock } from '#libs/resilience';
import type { SeededRandom } from '#libs/resilience/testing';
import type { Chance } from './chance.js';
import type { Scheduler } from './scheduler.js';
import type { Script } from './script.js';
import type { Trace } from './trace.js';

/** What all processes of a simulation share. */
export interface Universe {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly script: Script;
  readonly trace: Trace;
}

/** Where virtual time begins, so that a wall clock looks like one. */
const EPOCH_MS = 1_800_000_000_000;

/**
 * A process: what it awaits settles only while it lives. When it crashes, nothing of it goes on; its memory is whatever
 * nobody refers to any more, and what it had asked of others may still happen.
 */
export class SimulatedProcess {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly #stopping = new AbortController();
  readonly #whenCrashed: (() => void)[] = [];
  #alive = true;

  constructor(
    readonly name: string,
    readonly universe: Universe,
    /** How wrong its wall clock is. */
    private readonly clockOffsetMs = 0,
  ) {
    this.random = universe.chance.of(name);
    this.clock = {
      now: () => EPOCH_MS + Math.floor(this.universe.scheduler.nowMs) + this.clockOffsetMs,
      monotonic: () => this.universe.scheduler.nowMs,
      sleep: (ms, signal) => this.sleep(ms, signal),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Aborts never: a process that crashes hears of nothing. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  crash(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.universe.trace.say(this.name, 'crash');
    for (const tell of this.#whenCrashed.splice(0)) tell();
  }

  /** For those outside who talk to it: a connection to a dead process breaks. */
  onCrash(listener: () => void): () => void {
    if (!this.#alive) listener();
    else this.#whenCrashed.push(listener);
    return () => {
      const index = this.#whenCrashed.indexOf(listener);
      if (index >= 0) this.#whenCrashed.splice(index, 1);
    };
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (!this.#alive) return;
      if (signal.aborted) return reject(signal.reason);
      let callOff = (): void => undefined;
      const leave = (): void => {
        callOff();
        if (this.#alive) reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      if (ms === Number.POSITIVE_INFINITY) return;
      callOff = this.universe.scheduler.after(ms, () => {
        signal.removeEventListener('abort', leave);
        if (this.#alive) resolve();
      });
    });
  }

  /** What `promise` settles to, if the process is there to hear it. */
  async hear<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } finally {
      if (!this.#alive) await never();
    }
  }
}

export function never(): Promise<never> {
  return new Promise(() => undefined);
}
