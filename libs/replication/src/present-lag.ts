import type { RegionName } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import type { RegionWatch } from './region-watch.js';

/** Pushes that some region lacks, remembered one by one; a region that lacks more is measured by its lag. */
const MAX_WAITING = 10_000;
const WINDOW_MS = 3_600_000;
/** Of one region, the newest of the last hour. */
const MAX_SAMPLES = 10_000;

interface Waiting {
  readonly committedMs: number;
  readonly lacking: Set<RegionName>;
}

interface Sample {
  readonly atMs: number;
  readonly seconds: number;
}

/** How long pushes took until a region had them, in the last hour. */
export interface LagSummary {
  readonly count: number;
  readonly p50Seconds: number;
  readonly p99Seconds: number;
}

export interface PresentLagOptions {
  readonly watch: RegionWatch;
  /** Regions that are measured: all but this one. */
  readonly regions: readonly RegionName[];
  readonly clock: Clock;
  readonly observe: (region: RegionName, seconds: number) => void;
}

/**
 * Measures, at the primary, from the answer to a push until each region says that it has it: an entry is applied only
 * where everything that it needs is stored. Includes the way of that word back here.
 */
export class PresentLag {
  readonly #waiting = new Map<number, Waiting>();
  readonly #samples = new Map<RegionName, Sample[]>();

  constructor(private readonly options: PresentLagOptions) {}

  /** A push was committed, and is being answered now. */
  committed(seq: number): void {
    const { regions, clock } = this.options;
    if (regions.length === 0) return;
    this.#waiting.set(seq, { committedMs: clock.monotonic(), lacking: new Set(regions) });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
  }

  /** Listens until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { watch, clock } = this.options;
    const stop = watch.use();
    try {
      for (;;) {
        const { version } = watch.changed;
        this.#look();
        await watch.changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
      }
    } finally {
      stop();
    }
  }

  /** Of the last hour; `undefined` for a region that took nothing in that time. */
  summary(region: RegionName): LagSummary | undefined {
    const sinceMs = this.options.clock.monotonic() - WINDOW_MS;
    const recent = (this.#samples.get(region) ?? []).filter(({ atMs }) => atMs >= sinceMs);
    const sorted = recent.map(({ seconds }) => seconds).sort((a, b) => a - b);
    if (sorted.length === 0) return undefined;
    return { count: sorted.length, p50Seconds: quantile(sorted, 0.5), p99Seconds: quantile(sorted, 0.99) };
  }

  #look(): void {
    if (this.#waiting.size === 0) return;
    const nowMs = this.options.clock.monotonic();
    for (const heard of this.options.watch.regions) {
      if (heard.status === undefined) continue;
      const { watermark } = heard.status;
      const beyond = new Set(heard.status.beyond);
      for (const [seq, waiting] of this.#waiting) {
        if ((seq <= watermark || beyond.has(seq)) && waiting.lacking.delete(heard.region)) {
          this.#measured(heard.region, nowMs, (nowMs - waiting.committedMs) / 1_000);
        }
        if (waiting.lacking.size === 0) this.#waiting.delete(seq);
      }
    }
  }

  #measured(region: RegionName, atMs: number, seconds: number): void {
    this.options.observe(region, seconds);
    const samples = this.#samples.get(region) ?? [];
    samples.push({ atMs, seconds });
    if (samples.length > MAX_SAMPLES) samples.shift();
    this.#samples.set(region, samples);
  }
}

function quantile(sorted: readonly number[], part: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0;
  return Math.round(value * 1_000) / 1_000;
}
