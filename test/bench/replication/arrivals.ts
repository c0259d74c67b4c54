import type { PeerClient, RegionStatus } from '#libs/peer';
import { Notifier, systemClock } from '#libs/resilience';

/**
 * When a region had each change, by its own words: it says that it applied an entry once everything that the entry needs is
 * stored there. Its status comes as a stream, so nothing is asked twice and nothing is rounded up to a pause.
 */
export class Arrivals {
  readonly #atMs = new Map<number, number>();
  readonly #heard = new Notifier();
  #watermark = -1;
  #status: RegionStatus | undefined;

  /** Listens until the signal aborts; again and again to a region that is down. */
  async follow(region: Pick<PeerClient, 'statusStream'>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const status of region.statusStream(signal)) this.hear(status, performance.now());
      } catch {
        await systemClock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  hear(status: RegionStatus, nowMs: number): void {
    const { watermark, beyond } = status;
    this.#status = status;
    // What was there when listening began has no time.
    const from = this.#watermark < 0 ? watermark : this.#watermark;
    for (let seq = from + 1; seq <= watermark; seq += 1) this.#arrived(seq, nowMs);
    for (const seq of beyond) this.#arrived(seq, nowMs);
    this.#watermark = Math.max(this.#watermark, watermark);
    this.#heard.notify();
  }

  #arrived(seq: number, nowMs: number): void {
    if (!this.#atMs.has(seq)) this.#atMs.set(seq, nowMs);
  }

  get status(): RegionStatus | undefined {
    return this.#status;
  }

  /** The time, on the clock of `performance.now()`, at which a change had come. */
  async of(seq: number, signal: AbortSignal): Promise<number> {
    await this.until(() => this.#atMs.has(seq), `change ${seq}`, signal);
    return this.#atMs.get(seq) ?? Number.NaN;
  }

  /** Resolves when the region says something of which `holds` is true. */
  async until(holds: () => boolean, what: string, signal: AbortSignal, limitMs = PATIENCE_MS): Promise<void> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const { version } = this.#heard;
      if (holds()) return;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`${what} did not come within ${limitMs / 1_000} s`);
      await this.#heard.waitFor(version, { limitMs: leftMs, clock: systemClock, signal });
    }
  }
}

const RETRY_MS = 50;

/** No change takes as long as this, unless it is lost. */
const PATIENCE_MS = 180_000;
