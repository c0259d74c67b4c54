import type { RegionName } from '#libs/geo';
import type { PeerClient } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import { SourceLine } from './source-line.js';

/** A source that sent wrong bytes this often is asked last. */
const SUSPECT_AFTER = 3;

/** A source that cannot be reached is left alone for a second, then ever longer: soon enough after it comes back. */
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 5_000;

interface Standing {
  readonly lies: number;
  readonly failuresInRow: number;
  readonly restsUntilMs: number;
}

/** Up to this size a blob is worth less than the round trip to a near region that may not have it yet. */
const SMALL_BYTES = 128 * 1024;

const UNTRIED: Standing = { lies: 0, failuresInRow: 0, restsUntilMs: 0 };

export interface BlobSourcesOptions {
  /** Regions that may have blobs, nearest first. */
  readonly sources: readonly PeerClient[];
  /** The one that has every blob: asked first for small ones, where a round trip counts more than its uplink. */
  readonly primary?: RegionName;
  /** Those that may be followed while they copy a blob themselves. */
  readonly upstream?: ReadonlySet<RegionName>;
  readonly clock: Clock;
}

/** The regions that blobs may be had from: who is to be asked first, and who is to be left alone for a while. */
export class BlobSources {
  readonly #standing = new Map<PeerClient, Standing>();
  readonly #lines = new Map<PeerClient, SourceLine>();

  constructor(private readonly options: BlobSourcesOptions) {}

  get count(): number {
    return this.options.sources.length;
  }

  get nearest(): PeerClient | undefined {
    return this.options.sources[0];
  }

  /**
   * Who may be asked for a blob of that size now: nearest first, but those that lied last. They may be the only ones that
   * have it.
   */
  askable(size: number): readonly PeerClient[] {
    const nowMs = this.options.clock.monotonic();
    const rested = this.options.sources.filter((source) => this.#of(source).restsUntilMs <= nowMs);
    const rank = (source: PeerClient): number => {
      if (this.#of(source).lies >= SUSPECT_AFTER) return 2;
      return size <= SMALL_BYTES && this.options.primary !== undefined && source.region !== this.options.primary
        ? 1
        : 0;
    };
    return rested.toSorted((a, b) => rank(a) - rank(b));
  }

  /** The line to it, for bytes of big blobs. */
  lineTo(source: PeerClient): SourceLine {
    const line = this.#lines.get(source) ?? new SourceLine(this.options.clock);
    this.#lines.set(source, line);
    return line;
  }

  mayFollow(source: PeerClient): boolean {
    return this.options.upstream?.has(source.region) ?? false;
  }

  /** It could not be reached, or broke off. */
  failed(source: PeerClient): void {
    const standing = this.#of(source);
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(standing.failuresInRow, 10));
    const restsUntilMs = this.options.clock.monotonic() + restMs;
    this.#standing.set(source, { ...standing, failuresInRow: standing.failuresInRow + 1, restsUntilMs });
  }

  /** It gave bytes, whatever came after them. */
  answered(source: PeerClient): void {
    this.#standing.set(source, { ...this.#of(source), failuresInRow: 0, restsUntilMs: 0 });
  }

  /** Bytes that it gave were not those of the blob. */
  lied(source: PeerClient): void {
    const standing = this.#of(source);
    this.#standing.set(source, { ...standing, lies: standing.lies + 1 });
  }

  #of(source: PeerClient): Standing {
    return this.#standing.get(source) ?? UNTRIED;
  }
}
