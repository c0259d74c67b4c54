import { EventEmitter, once } from 'node:events';
import type { RegionName } from '#libs/geo';
import type { LineQuality } from './link-table.js';
import { bytesPerMs, TokenBucket } from './token-bucket.js';

export const LINK_STATES = ['up', 'cut', 'blackhole', 'blackhole-there', 'blackhole-back'] as const;

/**
 * `up`: bytes flow. `cut`: connections are reset, new ones too. `blackhole`: nothing arrives and nobody is told;
 * what was sent arrives when the line is up again; `-there` and `-back`: so in one direction only.
 */
export type LinkState = (typeof LINK_STATES)[number];

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

  /** Bytes that are ready now take their turn. @returns their place, for {@link arrival} */
  queue(bytes: number, nowMs: number): number {
    return this.#bucket.queue(bytes, this.quality().megabitsPerSecond, nowMs);
  }

  /** When the bytes of a place arrive, as the line is now; `undefined` when they have left already. */
  arrival(place: number, nowMs: number): number | undefined {
    const { megabitsPerSecond, roundTripMs } = this.quality();
    const departureMs = this.#bucket.departure(place, megabitsPerSecond, nowMs);
    return departureMs === undefined ? undefined : departureMs + roundTripMs / 2;
  }

  /**
   * What one connection may have under way, which it is until the word of its arrival is back: as said, or enough to fill
   * the line twice.
   */
  get windowBytes(): number {
    const { megabitsPerSecond, roundTripMs, windowBytes } = this.quality();
    return windowBytes ?? Math.max(SMALLEST_WINDOW_BYTES, 2 * bytesPerMs(megabitsPerSecond) * roundTripMs);
  }

  /** How long the word takes that something has arrived. */
  get wayBackMs(): number {
    return this.quality().roundTripMs / 2;
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
  #version = 0;
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

  /** Another after each change. */
  get version(): number {
    return this.#version;
  }

  get connections(): number {
    return this.#connections.size;
  }

  change(changes: Partial<LinkSettings>): void {
    this.#settings = { ...this.#settings, ...changes };
    this.#version += 1;
    if (this.#settings.state === 'cut') this.resetConnections();
    else this.#changes.emit('changed');
  }

  /** Back to what it was at the start. */
  restore(): void {
    this.change(this.#initial);
  }

  /** As a router that restarts does: both ends of every connection, or of those that are not spared, see a reset. */
  resetConnections(isSpared: () => boolean = () => false): void {
    for (const reset of [...this.#connections]) if (!isSpared()) reset();
  }

  /** @returns what takes it off the list again */
  addConnection(reset: () => void): () => void {
    this.#connections.add(reset);
    return () => this.#connections.delete(reset);
  }

  /** @returns what ends it */
  onChange(listener: () => void): () => void {
    this.#changes.on('changed', listener);
    return () => this.#changes.off('changed', listener);
  }

  /** Resolves as soon as bytes flow on that lane; without one, on both. */
  async untilUp(signal: AbortSignal, lane?: Lane): Promise<void> {
    while (!this.#isUp(lane)) await once(this.#changes, 'changed', { signal });
    signal.throwIfAborted();
  }

  #isUp(lane: Lane | undefined): boolean {
    const { state } = this.#settings;
    if (state === 'blackhole-there') return lane === this.back;
    if (state === 'blackhole-back') return lane === this.there;
    return state === 'up';
  }
}
