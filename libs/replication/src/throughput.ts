import type { Clock } from '#libs/resilience';

const WINDOW_MS = 30_000;
const SLOT_MS = 1_000;

interface Slot {
  readonly startMs: number;
  bytes: number;
  entries: number;
}

/** What came into a region lately, per second, over the last half minute. */
export class Throughput {
  #slots: Slot[] = [];

  constructor(private readonly clock: Clock) {}

  add({ bytes = 0, entries = 0 }: { readonly bytes?: number; readonly entries?: number }): void {
    const slot = this.#current();
    slot.bytes += bytes;
    slot.entries += entries;
  }

  /** `undefined` when nothing came: then nothing is known of how fast it would. */
  current(): { readonly bytesPerSecond: number; readonly entriesPerSecond: number } | undefined {
    const nowMs = this.clock.monotonic();
    this.#slots = this.#slots.filter(({ startMs }) => startMs > nowMs - WINDOW_MS);
    const [first] = this.#slots;
    if (first === undefined) return undefined;
    const seconds = Math.max(1, (nowMs - first.startMs) / 1_000);
    const sum = (of: (slot: Slot) => number): number => this.#slots.reduce((total, slot) => total + of(slot), 0);
    return {
      bytesPerSecond: Math.round(sum(({ bytes }) => bytes) / seconds),
      entriesPerSecond: Math.round((sum(({ entries }) => entries) / seconds) * 100) / 100,
    };
  }

  #current(): Slot {
    const nowMs = this.clock.monotonic();
    const last = this.#slots.at(-1);
    if (last !== undefined && nowMs < last.startMs + SLOT_MS) return last;
    const slot = { startMs: nowMs, bytes: 0, entries: 0 };
    this.#slots = [...this.#slots.slice(-WINDOW_MS / SLOT_MS), slot];
    return slot;
  }
}
