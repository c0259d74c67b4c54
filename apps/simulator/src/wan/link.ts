import { EventEmitter, once } from 'node:events';
import type { RegionName } from '#libs/geo';
import type { LineQuality } from './link-table.js';
import { bytesPerMs, TokenBucket } from './token-bucket.js';

/**
 * `up`: bytes flow. `cut`: connections are reset, new ones too. `blackhole`: nothing arrives and nobody is told;
 * what was sent arrives when the line is up again.
 */
export type LinkState = 'up' | 'cut' | 'blackhole';

export type LinkSettings = LineQuality & { readonly state: LinkState };

/** One way of a line, shared by all of its connections. */
export class Lane {
  readonly #bucket = new TokenBucket();
  #bytes = 0;

  constructor(private readonly quality: () => LineQuality) {}

  /** Bytes that have arrived. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When bytes that are ready now arrive. */
  arrival(bytes: number, nowMs: number): number {
    const { megabitsPerSecond, roundTripMs } = this.quality();
    return this.#bucket.depart(bytes, megabitsPerSecond, nowMs) + roundTripMs / 2;
  }

  /** What one connection may have under way: enough to fill the line, and no more than that. */
  get windowBytes(): number {
    const { megabitsPerSecond, roundTripMs } = this.quality();
    return Math.max(SMALLEST_WINDOW_BYTES, bytesPerMs(megabitsPerSecond) * roundTripMs);
  }

  count(bytes: number): void {
    this.#bytes += bytes;
  }
}

/** A few of the chunks in which sockets are read. */
const SMALLEST_WINDOW_BYTES = 256 * 1024;

/** The line that connections from one region to another take, with a lane there and a lane back. */
export class Link {
  readonly there = new Lane(() => this.#settings);
  readonly back = new Lane(() => this.#settings);
  readonly #initial: LinkSettings;
  readonly #connections = new Set<() => void>();
  #settings: LinkSettings;
  readonly #changes = new EventEmitter().setMaxListeners(0);

  constructor(
    readonly from: RegionName,
    readonly to: RegionName,
    quality: LineQuality,
  ) {
    this.#initial = { ...quality, state: 'up' };
    this.#settings = this.#initial;
  }

  get settings(): LinkSettings {
    return this.#settings;
  }

  get connections(): number {
    return this.#connections.size;
  }

  change(changes: Partial<LinkSettings>): void {
    this.#settings = { ...this.#settings, ...changes };
    if (this.#settings.state === 'up') this.#changes.emit('up');
    if (this.#settings.state === 'cut') this.resetConnections();
  }

  /** Back to what it was at the start. */
  restore(): void {
    this.change(this.#initial);
  }

  /** As a router that restarts does: both ends of every connection see a reset. */
  resetConnections(): void {
    for (const reset of [...this.#connections]) reset();
  }

  /** @returns what takes it off the list again */
  addConnection(reset: () => void): () => void {
    this.#connections.add(reset);
    return () => this.#connections.delete(reset);
  }

  /** Resolves as soon as bytes flow. */
  async untilUp(signal: AbortSignal): Promise<void> {
    while (this.#settings.state !== 'up') await once(this.#changes, 'up', { signal });
    signal.throwIfAborted();
  }
}
