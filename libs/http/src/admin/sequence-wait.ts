import type { RegionName } from '#libs/geo';
import type { RegionWatch } from '#libs/replication';
import { type Clock, DeadlineExceeded, withDeadline } from '#libs/resilience';

/** How far a region is, for somebody who waits for a change to come there. */
export interface RegionArrival {
  readonly region: RegionName;
  /** Whether everything up to the change is applied there. */
  readonly applied: boolean;
  /** Absent if the region never said anything. */
  readonly watermark?: number;
  readonly backlog?: { readonly entries: number; readonly bytes: number };
  readonly silent?: true;
}

/** Waits until regions have applied everything up to a change, by their own words. */
export class SequenceWait {
  constructor(
    private readonly watch: RegionWatch,
    private readonly clock: Clock,
  ) {}

  async until(
    seq: number,
    options: { readonly regions: readonly RegionName[]; readonly limitMs: number; readonly signal: AbortSignal },
  ): Promise<{ readonly enough: boolean; readonly regions: readonly RegionArrival[]; readonly waitedMs: number }> {
    const begunMs = this.clock.monotonic();
    const stopListening = this.watch.use();
    const look = () => options.regions.map((region) => this.#arrival(region, seq));
    try {
      await withDeadline(options.signal, options.limitMs, this.clock, async (signal) => {
        for (;;) {
          const { version } = this.watch.changed;
          if (look().every(({ applied }) => applied)) return;
          const { clock } = this;
          await this.watch.changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
        }
      });
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
    } finally {
      stopListening();
    }
    const regions = look();
    const waitedMs = Math.round(this.clock.monotonic() - begunMs);
    return { enough: regions.every(({ applied }) => applied), regions, waitedMs };
  }

  #arrival(region: RegionName, seq: number): RegionArrival {
    const { status, silent } = this.watch.find(region) ?? { silent: true };
    return {
      region,
      applied: status !== undefined && status.watermark >= seq,
      ...(status === undefined ? {} : { watermark: status.watermark, backlog: status.backlog }),
      ...(silent ? { silent } : {}),
    };
  }
}
