import type { RegionName } from '#libs/geo';
import type { HeardRegion } from '#libs/replication';

/** A region tells how far it is at most this often. */
const PAUSE_MS = 1_000;

export interface RegionEvent {
  readonly event: 'region' | 'silent' | 'back' | 'failed';
  readonly data: object;
}

interface Told {
  readonly mark: string;
  readonly atMs: number;
  readonly silent: boolean;
}

/** What is new of the regions since a listener was last told: made when it can take it, so nothing ever waits in line. */
export class RegionNews {
  readonly #told = new Map<RegionName, Told>();
  readonly #failures = new Map<RegionName, ReadonlySet<string>>();
  /** Something is new and was held back: worth a look after {@link PAUSE_MS}. */
  heldBack = false;

  take(regions: readonly HeardRegion[], nowMs: number): readonly RegionEvent[] {
    this.heldBack = false;
    return regions.flatMap((heard) => [
      ...this.#silence(heard),
      ...this.#progress(heard, nowMs),
      ...this.#failed(heard),
    ]);
  }

  #silence({ region, silent, heardMs }: HeardRegion): readonly RegionEvent[] {
    const told = this.#told.get(region);
    if (told === undefined ? !silent : told.silent === silent) return [];
    this.#told.set(region, { mark: told?.mark ?? '', atMs: told?.atMs ?? Number.NEGATIVE_INFINITY, silent });
    const since = heardMs === undefined ? {} : { sinceMs: heardMs };
    return [silent ? { event: 'silent', data: { region, ...since } } : { event: 'back', data: { region } }];
  }

  #progress({ region, status, silent }: HeardRegion, nowMs: number): readonly RegionEvent[] {
    if (status === undefined || silent) return [];
    const { head, watermark, lagSeconds, backlog, throughput, failed, ready } = status;
    const mark = `${ready} ${head} ${watermark} ${status.beyond.length} ${backlog.bytes} ${failed.length}`;
    const told = this.#told.get(region);
    if (told?.mark === mark) return [];
    if (told !== undefined && nowMs - told.atMs < PAUSE_MS) {
      this.heldBack = true;
      return [];
    }
    this.#told.set(region, { mark, atMs: nowMs, silent });
    const data = { region, ready, head, watermark, lagSeconds, backlog, throughput, failed: failed.length };
    return [{ event: 'region', data }];
  }

  #failed({ region, status }: HeardRegion): readonly RegionEvent[] {
    const failed = status?.failed ?? [];
    const told = this.#failures.get(region);
    this.#failures.set(region, new Set(failed.map(({ seq, reason }) => `${seq} ${reason}`)));
    return failed
      .filter(({ seq, reason }) => !told?.has(`${seq} ${reason}`))
      .map((failure) => ({ event: 'failed' as const, data: { region, ...failure } }));
  }
}
