import type { RegionName, RegionRole } from '#libs/geo';
import type { RegionProgress, RegionStatus, StatusSource } from '#libs/peer';
import { type Clock, Notifier } from '#libs/resilience';
import { Throughput } from './throughput.js';

/** Changes that come quicker than this are told together. */
const PAUSE_MS = 50;

export interface RegionStatusBoardOptions {
  readonly region: RegionName;
  readonly role: RegionRole;
  readonly clock: Clock;
  /** Whether this process can serve at the moment. */
  readonly ready: () => boolean;
}

/** The region's progress as this process knows it, and what follows from it. */
export class RegionStatusBoard implements StatusSource {
  #progress: RegionProgress;
  /** Tells that a report came. */
  readonly changed = new Notifier();
  readonly #throughput: Throughput;

  constructor(
    initial: RegionProgress,
    private readonly options: RegionStatusBoardOptions,
  ) {
    this.#progress = initial;
    this.#throughput = new Throughput(options.clock);
  }

  get progress(): RegionProgress {
    return this.#progress;
  }

  /** Takes a report of the region's replicator; one that is older than what is known is left aside. */
  update(progress: RegionProgress): void {
    const sameBucket = progress.generation === this.#progress.generation;
    if (sameBucket && isOlder(progress, this.#progress)) return;
    const entries = sameBucket ? appliedCount(progress) - appliedCount(this.#progress) : 0;
    if (entries > 0) this.#throughput.add({ entries });
    const isNews = !sameBucket || saysMore(progress, this.#progress);
    this.#progress = progress;
    // That the primary was heard again is said with the next repetition.
    if (isNews) this.changed.notify();
  }

  /** Bytes of a blob came in. */
  copied(bytes: number): void {
    this.#throughput.add({ bytes });
  }

  current(): RegionStatus {
    const { region, role, clock, ready } = this.options;
    const timeMs = clock.now();
    const { oldestPendingMs } = this.#progress;
    const lagSeconds = oldestPendingMs === undefined ? 0 : Math.max(0, timeMs - oldestPendingMs) / 1_000;
    const throughput = this.#throughput.current();
    const said = { ...this.#progress, region, role, ready: ready(), lagSeconds, timeMs };
    return throughput === undefined ? said : { ...said, throughput };
  }

  async *changes(repeatMs: number, signal: AbortSignal): AsyncIterable<RegionStatus> {
    const { clock } = this.options;
    for (;;) {
      const { version } = this.changed;
      const saidMs = clock.monotonic();
      yield this.current();
      await this.changed.waitForBeat(version, repeatMs, clock, signal);
      const pauseMs = PAUSE_MS - (clock.monotonic() - saidMs);
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
    }
  }
}

function appliedCount({ watermark, beyond }: RegionProgress): number {
  return watermark + beyond.length;
}

/** Whether it says anything but that the primary was heard again. What moved is seen without a look at the rest. */
function saysMore(progress: RegionProgress, known: RegionProgress): boolean {
  if (progress.head !== known.head || appliedCount(progress) !== appliedCount(known)) return true;
  return JSON.stringify({ ...progress, heardMs: 0 }) !== JSON.stringify({ ...known, heardMs: 0 });
}

function isOlder(a: RegionProgress, b: RegionProgress): boolean {
  if (a.watermark !== b.watermark) return a.watermark < b.watermark;
  if (a.beyond.length !== b.beyond.length) return a.beyond.length < b.beyond.length;
  return a.heardMs < b.heardMs;
}
