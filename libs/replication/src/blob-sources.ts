import type { PeerClient } from '#libs/peer';
import type { Clock } from '#libs/resilience';

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

const UNTRIED: Standing = { lies: 0, failuresInRow: 0, restsUntilMs: 0 };

/** The regions that blobs may be had from: who is to be asked first, and who is to be left alone for a while. */
export class BlobSources {
  readonly #standing = new Map<PeerClient, Standing>();

  /** `sources`: nearest first. */
  constructor(
    private readonly sources: readonly PeerClient[],
    private readonly clock: Clock,
  ) {}

  get count(): number {
    return this.sources.length;
  }

  get nearest(): PeerClient | undefined {
    return this.sources[0];
  }

  /** Who may be asked now: nearest first, but those that lied last. They may be the only ones that have a blob. */
  askable(): readonly PeerClient[] {
    const nowMs = this.clock.monotonic();
    const rested = this.sources.filter((source) => this.#of(source).restsUntilMs <= nowMs);
    const suspect = (source: PeerClient): number => (this.#of(source).lies >= SUSPECT_AFTER ? 1 : 0);
    return rested.toSorted((a, b) => suspect(a) - suspect(b));
  }

  /** It could not be reached, or broke off. */
  failed(source: PeerClient): void {
    const standing = this.#of(source);
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(standing.failuresInRow, 10));
    const restsUntilMs = this.clock.monotonic() + restMs;
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
