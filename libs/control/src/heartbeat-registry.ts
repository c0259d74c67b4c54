import { type Clock, nextBeat } from '#libs/resilience';
import type { ControlBus, ProcessHeartbeat } from './control-bus.js';

/** As often as a replicator says how far it is while nothing happens: what is due at the same beat is said in one envelope. */
export const PROCESS_HEARTBEAT_MS = 3_000;

/** One may be lost and one be late. */
const MISSED = 3;
/** More processes than any region has: what a confused sender invents must not grow without end. */
const MAX_PROCESSES = 1_000;

/** Who is alive in this region, as far as can be heard. For status: a process that is not heard may still work. */
export class HeartbeatRegistry {
  readonly #bus: ControlBus;
  readonly #clock: Clock;
  readonly #heard = new Map<string, { readonly process: ProcessHeartbeat; readonly atMs: number }>();
  readonly #stop: () => void;

  constructor(bus: ControlBus, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
    this.#stop = bus.subscribe((message) => {
      if (message.kind === 'process.heartbeat') this.#hear(message.process);
    });
  }

  /** Says at every heartbeat that `self` lives, and counts it among the living, until the signal aborts. */
  async run(self: ProcessHeartbeat, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#hear(self);
      this.#bus.publish({ kind: 'process.heartbeat', process: self });
      await nextBeat(PROCESS_HEARTBEAT_MS, this.#clock, signal).catch(() => undefined);
    }
    this.#heard.delete(self.id);
  }

  /** Those heard within the last three heartbeats, oldest process first. */
  alive(): readonly ProcessHeartbeat[] {
    this.#forgetSilent();
    return [...this.#heard.values()]
      .map(({ process }) => process)
      .sort((one, other) => one.startedMs - other.startedMs || (one.id < other.id ? -1 : 1));
  }

  close(): void {
    this.#stop();
    this.#heard.clear();
  }

  #hear(process: ProcessHeartbeat): void {
    if (!this.#heard.has(process.id)) this.#forgetSilent();
    if (!this.#heard.has(process.id) && this.#heard.size >= MAX_PROCESSES) return;
    this.#heard.set(process.id, { process, atMs: this.#clock.monotonic() });
  }

  #forgetSilent(): void {
    const oldestMs = this.#clock.monotonic() - MISSED * PROCESS_HEARTBEAT_MS;
    for (const [id, { atMs }] of this.#heard) if (atMs < oldestMs) this.#heard.delete(id);
  }
}
