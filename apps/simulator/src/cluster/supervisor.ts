import type { Clock } from '#libs/resilience';
import { Guard } from './guard.js';
import { ManagedProcess } from './managed-process.js';
import type { ProcessSpec } from './process-spec.js';

export interface SupervisorEvents {
  /** A process has another id now, or none. */
  changed(): void;
  died(name: string, how: string, delayMs: number): void;
  recovered(name: string): void;
}

/** Starts processes and keeps them alive until they are to stop. Leaves none behind. */
export class Supervisor {
  readonly #groups: ManagedProcess[][] = [];
  readonly #guard = new Guard();

  constructor(
    private readonly events: SupervisorEvents,
    private readonly clock: Clock,
  ) {}

  /**
   * Starts all of them at once; resolves when every one is ready. `onReady` hears how many are.
   * @throws Problem of the first that failed, while the others may still be coming up: stop them
   */
  async start(
    specs: readonly ProcessSpec[],
    onReady: (waitingFor: readonly string[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const group = specs.map((spec) => this.#manage(spec));
    this.#groups.push(group);
    const waiting = new Set(specs.map(({ name }) => name));
    onReady([...waiting]);
    const starts = group.map(async (process) => {
      await process.start(signal);
      waiting.delete(process.spec.name);
      onReady([...waiting]);
    });
    await Promise.all(starts);
  }

  pidOf(name: string): number | undefined {
    return this.#named(name)?.pid;
  }

  get names(): readonly string[] {
    return this.#all().map(({ spec }) => spec.name);
  }

  /** Ends one at once and leaves it down until it is resumed. */
  async halt(name: string): Promise<void> {
    await this.#named(name)?.halt();
  }

  async resume(name: string, signal: AbortSignal): Promise<void> {
    await this.#named(name)?.resume(signal);
  }

  /** The last that were started stop first: nothing loses what it stands on. */
  async stop(): Promise<void> {
    for (const group of this.#groups.toReversed()) await Promise.all(group.map((process) => process.stop()));
    await this.#guard.close();
  }

  kill(): void {
    for (const process of this.#all()) process.kill();
  }

  #named(name: string): ManagedProcess | undefined {
    return this.#all().find((process) => process.spec.name === name);
  }

  #all(): readonly ManagedProcess[] {
    return this.#groups.flat();
  }

  #manage(spec: ProcessSpec): ManagedProcess {
    const { events } = this;
    const guard = this.#guard;
    return new ManagedProcess(
      spec,
      {
        started: (_process, pid) => {
          guard.add(pid);
          events.changed();
        },
        ended: (_process, pid) => {
          guard.remove(pid);
          events.changed();
        },
        died: (_process, how, delayMs) => events.died(spec.name, how, delayMs),
        recovered: () => events.recovered(spec.name),
      },
      this.clock,
    );
  }
}
