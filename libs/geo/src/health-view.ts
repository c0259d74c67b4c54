import type { RegionName } from './region.js';

/** A region that says nothing for so long is unhealthy. It speaks at least once a second. */
export const SILENCE_MS = 2_000;

/** Good news in a row before a region that failed is used again: one alone may be the last gasp of a dying one. */
const GOOD_TO_RECOVER = 2;

export type RegionHealth = 'unknown' | 'healthy' | 'unhealthy';

interface Observed {
  readonly failed: boolean;
  readonly goodInRow: number;
  /** When it last had good news; `undefined` if it never had. */
  readonly heardMs: number | undefined;
}

const NEVER_SEEN: Observed = { failed: false, goodInRow: 0, heardMs: undefined };

/**
 * Whether each region can be used, as seen from here. Quick to avoid, slow to trust: one failure and the region is out
 * at once; {@link GOOD_TO_RECOVER} good words in a row and it is back. Times are the clock's `monotonic()`.
 */
export class HealthView {
  readonly #observed = new Map<RegionName, Observed>();

  good(region: RegionName, nowMs: number): void {
    const before = this.#settled(region, nowMs);
    const goodInRow = before.goodInRow + 1;
    // Who could not be reached before it had ever spoken was not up yet: that says nothing of how it is now.
    const failed = before.failed && before.heardMs !== undefined && goodInRow < GOOD_TO_RECOVER;
    this.#observed.set(region, { failed, goodInRow, heardMs: nowMs });
  }

  /** It spoke and said that it cannot serve, or it did not answer. */
  failed(region: RegionName): void {
    const { heardMs } = this.#observed.get(region) ?? NEVER_SEEN;
    this.#observed.set(region, { failed: true, goodInRow: 0, heardMs });
  }

  state(region: RegionName, nowMs: number): RegionHealth {
    const { failed, goodInRow } = this.#settled(region, nowMs);
    if (failed) return 'unhealthy';
    return goodInRow > 0 ? 'healthy' : 'unknown';
  }

  /** Milliseconds since the region last had good news, or `undefined` if it never had. */
  silentMs(region: RegionName, nowMs: number): number | undefined {
    const heardMs = this.#observed.get(region)?.heardMs;
    return heardMs === undefined ? undefined : nowMs - heardMs;
  }

  /** Silence is a failure that nobody reports: it is found when somebody looks. */
  #settled(region: RegionName, nowMs: number): Observed {
    const observed = this.#observed.get(region) ?? NEVER_SEEN;
    const silent = observed.heardMs !== undefined && nowMs - observed.heardMs >= SILENCE_MS;
    return silent ? { ...observed, failed: true, goodInRow: 0 } : observed;
  }
}
