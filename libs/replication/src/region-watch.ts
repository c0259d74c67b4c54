import type { RegionName } from '#libs/geo';
import { JOURNAL_HEARTBEAT_MS, type PeerClient, type RegionStatus, type StatusSource } from '#libs/peer';
import { type Clock, exponentialBackoff, Notifier, type Random } from '#libs/resilience';

/** A region says something each heartbeat; after so long without a word it is silent. */
const SILENT_AFTER_MS = 3_000;
const LOOK_FOR_SILENCE_MS = 500;
const RETRY = { baseMs: 200, capMs: 2_000 };

/** A region as it was heard by this process. */
export interface HeardRegion {
  readonly region: RegionName;
  /** What it last said; absent if it never said anything. */
  readonly status?: RegionStatus;
  /** When that was, by this process's clock. */
  readonly heardMs?: number;
  /** Nothing is known of what it has now: never up to date, whatever it said last (I15). */
  readonly silent: boolean;
}

export interface RegionWatchOptions {
  readonly own: StatusSource;
  readonly peers: readonly Pick<PeerClient, 'region' | 'statusStream'>[];
  readonly clock: Clock;
  readonly random: Random;
}

interface Heard {
  readonly status: RegionStatus;
  readonly atMs: number;
  readonly atMonotonic: number;
}

/** Listens to all other regions for as long as somebody wants to know. */
export class RegionWatch {
  /** Tells that a region said something new, fell silent or is back. */
  readonly changed = new Notifier();
  readonly #heard = new Map<RegionName, Heard>();
  readonly #silent = new Set<RegionName>();
  #users = 0;
  #following: AbortController | undefined;
  /** When listening began; before that nobody could be heard. */
  #begunMs = Number.POSITIVE_INFINITY;

  constructor(private readonly options: RegionWatchOptions) {}

  /** This region first. Others are as of the last time that somebody listened. */
  get regions(): readonly HeardRegion[] {
    const { own, peers, clock } = this.options;
    const status = own.current();
    const here = { region: status.region, status, heardMs: clock.now(), silent: false };
    return [here, ...peers.map(({ region }) => this.#peer(region))];
  }

  find(region: RegionName): HeardRegion | undefined {
    return this.regions.find((heard) => heard.region === region);
  }

  /** Whether a region said that the entry is applied there. Once true, it stays true of that region's bucket. */
  applied(region: RegionName, seq: number): boolean {
    const status = this.find(region)?.status;
    return status !== undefined && (status.watermark >= seq || status.beyond.includes(seq));
  }

  /** Begins to listen, if nobody does yet. @returns how to stop; the last one to stop ends it */
  use(): () => void {
    this.#users += 1;
    if (this.#users === 1) this.#begin();
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      this.#users -= 1;
      if (this.#users === 0) this.#following?.abort(new Error('nobody listens any more'));
    };
  }

  #begin(): void {
    const following = new AbortController();
    this.#following = following;
    this.#begunMs = this.options.clock.monotonic();
    const { own, peers } = this.options;
    const loops = [
      ...peers.map((peer) => this.#follow(peer, following.signal)),
      this.#followOwn(own, following.signal),
      this.#lookForSilence(following.signal),
    ];
    // Each of them only ends with the signal.
    for (const loop of loops) loop.catch(() => undefined);
  }

  async #followOwn(own: StatusSource, signal: AbortSignal): Promise<void> {
    for await (const _ of own.changes(JOURNAL_HEARTBEAT_MS, signal)) this.changed.notify();
  }

  async #follow(peer: RegionWatchOptions['peers'][number], signal: AbortSignal): Promise<void> {
    const { clock, random } = this.options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        for await (const status of peer.statusStream(signal)) {
          attempt = 0;
          this.#hear(peer.region, status);
        }
      } catch {
        signal.throwIfAborted(); // What is silent is shown as silent; there is nothing else to say of it.
      }
      await clock.sleep(exponentialBackoff(attempt, RETRY, random), signal);
    }
  }

  #hear(region: RegionName, status: RegionStatus): void {
    const { clock } = this.options;
    this.#heard.set(region, { status, atMs: clock.now(), atMonotonic: clock.monotonic() });
    this.changed.notify();
  }

  async #lookForSilence(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.options.clock.sleep(LOOK_FOR_SILENCE_MS, signal);
      const fallen = this.regions.filter(({ region, silent }) => silent !== this.#silent.has(region));
      for (const { region, silent } of fallen) silent ? this.#silent.add(region) : this.#silent.delete(region);
      if (fallen.length > 0) this.changed.notify();
    }
  }

  #peer(region: RegionName): HeardRegion {
    const heard = this.#heard.get(region);
    const sinceMs = Math.max(heard?.atMonotonic ?? 0, this.#begunMs);
    const silent = this.options.clock.monotonic() - sinceMs > SILENT_AFTER_MS;
    if (heard === undefined) return { region, silent };
    return { region, status: heard.status, heardMs: heard.atMs, silent };
  }
}
