import { truncateSync } from 'node:fs';
import type { Clock } from '#libs/resilience';
import { Child } from '../../apps/simulator/src/cluster/child.js';
import type { Guard } from '../../apps/simulator/src/cluster/guard.js';
import type { ProcessSpec } from '../../apps/simulator/src/cluster/process-spec.js';

export type Part = 'registry' | 'replicator' | 'router' | 'redis' | 'minio';

/** What an operator's supervisor waits before it starts a process again. */
const RESTART_MS = 300;
const POLL_MS = 100;
const READY_WITHIN_MS = 80_000;

/** The place of one process: it is started again whenever it ends, and killed, stopped and set wrong by the nemesis. */
export class Seat {
  #child: Child | undefined;
  #closing = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #killed = false;
  #held: AbortController | undefined;
  #ready = false;
  /** Ends that nobody asked for, after it was ready. */
  readonly deaths: string[] = [];
  /** Of its next lives. */
  clockOffsetMs = 0;

  constructor(
    readonly part: Part,
    readonly region: string,
    private readonly spec: ProcessSpec,
    private readonly clock: Clock,
    /** Ends it when this program cannot do that any more. */
    private readonly guard: Guard,
  ) {}

  get name(): string {
    return this.spec.name;
  }

  get logFile(): string {
    return this.spec.logFile;
  }

  /** Whether it has become ready in this life. */
  get isReady(): boolean {
    return this.#ready;
  }

  async start(signal: AbortSignal): Promise<void> {
    try {
      truncateSync(this.spec.logFile);
    } catch {
      // There is none yet.
    }
    this.#watching = this.#live();
    await this.untilReady(signal);
  }

  async untilReady(signal: AbortSignal): Promise<void> {
    const deadline = this.clock.monotonic() + READY_WITHIN_MS;
    while (!this.#ready) {
      if (this.clock.monotonic() > deadline)
        throw new Error(`${this.name} is not ready after ${READY_WITHIN_MS / 1_000} s; its log: ${this.logFile}`);
      await this.clock.sleep(POLL_MS, signal);
    }
  }

  /** Ends it, and lets it stay away until {@link release}. */
  hold(): void {
    this.#held ??= new AbortController();
    this.kill();
  }

  release(): void {
    this.#held?.abort();
    this.#held = undefined;
  }

  /** As a power failure does. */
  kill(): void {
    this.#killed = true;
    this.#ready = false;
    this.#child?.kill();
  }

  /** The same; resolves when it is gone. */
  async killed(): Promise<void> {
    const child = this.#child;
    this.kill();
    await child?.ended;
  }

  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  async stop(): Promise<void> {
    this.#closing.abort();
    this.release();
    this.thaw();
    await this.#child?.stop();
    await this.#watching;
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.alive === true ? this.#child.pid : undefined;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It ended just now.
    }
  }

  async #live(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#killed = false;
      const child = new Child({ ...this.spec, environment: this.#environment() }, this.clock);
      this.#child = child;
      if (child.pid !== undefined) this.guard.add(child.pid);
      const looking = this.#look(child);
      const how = await child.ended;
      if (child.pid !== undefined) this.guard.remove(child.pid);
      await looking;
      if (this.#ready && !this.#killed && !signal.aborted) this.deaths.push(`${this.name} ${how}`);
      this.#ready = false;
      await this.clock.sleep(RESTART_MS, signal).catch(() => undefined);
      const held = this.#held;
      if (held !== undefined)
        await this.clock.sleep(Number.POSITIVE_INFINITY, AbortSignal.any([held.signal, signal])).catch(() => undefined);
    }
  }

  async #look(child: Child): Promise<void> {
    while (child.alive && !this.#killed && !this.#closing.signal.aborted) {
      if (await this.spec.isReady(this.#closing.signal)) {
        this.#ready = child.alive && !this.#killed;
        return;
      }
      await this.clock.sleep(POLL_MS, this.#closing.signal).catch(() => undefined);
    }
  }

  #environment(): NodeJS.ProcessEnv {
    const { environment } = this.spec;
    if (this.clockOffsetMs === 0) return environment;
    const preload = `--import ${new URL('./wrong-clock.mjs', import.meta.url).href}`;
    return {
      ...environment,
      NODE_OPTIONS: `${environment.NODE_OPTIONS ?? ''} ${preload}`,
      NEMESIS_CLOCK_OFFSET_MS: String(this.clockOffsetMs),
    };
  }
}
