import type { Clock } from '#libs/resilience';
import type { Logger } from './logger.js';

/** Ends one part of the process. The signal aborts when the time for ending is over. */
export type ShutdownStep = (signal: AbortSignal) => Promise<void> | void;

/** Steps that end the process, one after the other, within one deadline for all of them. */
export class Shutdown {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #steps: { readonly name: string; readonly step: ShutdownStep }[] = [];

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Steps run in the order in which they were added. */
  add(name: string, step: ShutdownStep): void {
    this.#steps.push({ name, step });
  }

  /** Never rejects: what cannot be ended in order ends with the process. */
  async run(graceMs: number): Promise<void> {
    const deadline = new AbortController();
    const ended = new AbortController();
    const timer = this.#clock.sleep(graceMs, ended.signal).then(
      () => deadline.abort(new Error(`not ended within ${graceMs} ms`)),
      () => undefined,
    );
    for (const { name, step } of this.#steps) await this.#end(name, step, deadline.signal);
    ended.abort();
    await timer;
  }

  async #end(name: string, step: ShutdownStep, signal: AbortSignal): Promise<void> {
    try {
      await Promise.race([(async () => step(signal))(), aborted(signal)]);
      this.#log.debug({ step: name }, 'shutdown step done');
    } catch (error) {
      this.#log.warn({ step: name, err: error }, 'shutdown step failed');
    }
  }
}

/** Rejects once the signal has aborted and what hears of it had one turn to end by itself. */
async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await new Promise((resolve) => setImmediate(resolve));
  throw signal.reason;
}
