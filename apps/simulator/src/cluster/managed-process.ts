import { truncateSync } from 'node:fs';
import { anySignal, type Clock } from '#libs/resilience';
import { Problem, systemCodeOf } from '../problem.js';
import { Child } from './child.js';
import { readLogTail } from './log-tail.js';
import type { ProcessSpec } from './process-spec.js';

export interface ProcessEvents {
  /** A life began: the first, or another one. */
  started(process: ManagedProcess, pid: number): void;
  ended(process: ManagedProcess, pid: number): void;
  /** It died although nobody asked it to, and will be started again in `delayMs`. */
  died(process: ManagedProcess, how: string, delayMs: number): void;
  /** It does its work again. */
  recovered(process: ManagedProcess): void;
}

/** Between two looks at a process that is coming up. */
const POLL_MS = 100;
/** A machine with two slow cores needs half a minute for all of them together. */
const START_LIMIT_MS = 80_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5_000;
/** After this long without a fault, the next one is met with the first delay again. */
const STEADY_MS = 30_000;

/** A process through all its lives: from start, through restarts with growing pauses, to stop. */
export class ManagedProcess {
  #stopping = new AbortController();
  #child: Child | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(
    readonly spec: ProcessSpec,
    private readonly events: ProcessEvents,
    private readonly clock: Clock,
  ) {}

  /** `undefined` while it is down. */
  get pid(): number | undefined {
    return this.#child?.alive === true ? this.#child.pid : undefined;
  }

  /** Resolves when it is ready. @throws Problem with its last words when it dies first, or takes too long */
  async start(signal: AbortSignal): Promise<void> {
    emptyLog(this.spec.logFile);
    await this.#live(signal);
  }

  /** Ends it as a power failure does; it stays down until {@link resume}. */
  async halt(): Promise<void> {
    this.kill();
    await this.#child?.ended;
    await this.#watching;
  }

  /** Starts it again after {@link halt}. @throws Problem as {@link start} does */
  async resume(signal: AbortSignal): Promise<void> {
    if (this.pid !== undefined) return;
    this.#stopping = new AbortController();
    await this.#live(signal);
  }

  async #live(signal: AbortSignal): Promise<void> {
    const child = this.#spawn();
    const failure = await this.#becomeReady(child, signal);
    if (failure !== undefined) throw await this.#failed(failure);
    this.#watching = this.#watch(child);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#child?.stop();
    await this.#watching;
  }

  /** Ends it without asking; for a person in a hurry. */
  kill(): void {
    this.#stopping.abort();
    this.#child?.kill();
  }

  #spawn(): Child {
    const child = new Child(this.spec, this.clock);
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) {
      this.events.started(this, pid);
      void child.ended.then(() => this.events.ended(this, pid));
    }
    return child;
  }

  /** `undefined` when it is ready, else why it is not. */
  async #becomeReady(child: Child, signal: AbortSignal): Promise<string | undefined> {
    const over = new AbortController();
    const waiting = anySignal([signal, this.#stopping.signal, over.signal]);
    const ended = child.ended.finally(() => over.abort());
    try {
      if (await this.#isReadyWithin(START_LIMIT_MS, waiting.signal)) return undefined;
    } finally {
      waiting.release();
    }
    signal.throwIfAborted();
    return over.signal.aborted ? await ended : `is not ready after ${START_LIMIT_MS / 1_000} seconds`;
  }

  async #isReadyWithin(limitMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = this.clock.monotonic() + limitMs;
    while (!signal.aborted && this.clock.monotonic() < deadline) {
      if (await this.spec.isReady(signal)) return true;
      await this.clock.sleep(POLL_MS, signal).catch(() => undefined);
    }
    return false;
  }

  async #failed(how: string): Promise<Problem> {
    return new Problem(`${this.spec.name} ${how}; its log: ${this.spec.logFile}`, {
      details: await readLogTail(this.spec.logFile),
    });
  }

  async #watch(first: Child): Promise<void> {
    let child = first;
    let delayMs = FIRST_DELAY_MS;
    while (true) {
      const since = this.clock.monotonic();
      const how = await child.ended;
      if (this.#stopping.signal.aborted) return;
      if (this.clock.monotonic() - since > STEADY_MS) delayMs = FIRST_DELAY_MS;
      this.events.died(this, how, delayMs);
      await this.clock.sleep(delayMs, this.#stopping.signal).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
      child = this.#spawn();
      if ((await this.#becomeReady(child, this.#stopping.signal).catch(() => 'stopped')) === undefined)
        this.events.recovered(this);
      else if (!this.#stopping.signal.aborted) child.kill();
    }
  }
}

function emptyLog(path: string): void {
  try {
    truncateSync(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}
