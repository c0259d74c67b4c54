import { JournalError } from '#libs/journal';
import { findDigest, parseRepositoryName } from '#libs/oci';
import { PeerError } from '#libs/peer';
import type { HeardRegion, JournalSource, RegionWatch } from '#libs/replication';
import { anySignal, type Clock, Limiter, Notifier } from '#libs/resilience';
import type { RegionPresences } from '../region-presences.js';
import { type FollowedChange, PendingPresences } from './pending-presences.js';
import { RegionNews } from './region-news.js';

/** Without news, a word that the stream is alive. */
export const HEARTBEAT_MS = 10_000;
const HELD_BACK_MS = 1_000;
const RETRY_MS = 1_000;
/** Regions asked at once for their evidence of images. */
const QUESTIONS = 8;

/** `id`: everything up to that change was told; a listener that comes again goes on after it. */
export interface FeedEvent {
  readonly event: string;
  readonly data: object;
  readonly id?: number;
}

export interface EventFeedOptions {
  readonly watch: RegionWatch;
  readonly presences: RegionPresences;
  /** Where changes are heard; `undefined` while the process starts. */
  readonly journal: () => JournalSource | undefined;
  readonly clock: Clock;
}

/**
 * What happens in the cluster, for one listener: how far regions are, which change came where, who fell silent and what
 * failed. What is told is made from the state when it can be sent: a slow listener hears less often, not later and later.
 */
export class EventFeed {
  constructor(private readonly options: EventFeedOptions) {}

  /** After change `after`, or from now on. `undefined` stands for a heartbeat. Ends with the signal's reason. */
  async *events(after: number | undefined, signal: AbortSignal): AsyncGenerator<FeedEvent | undefined> {
    const { watch, clock } = this.options;
    const stopListening = watch.use();
    const changed = new Notifier();
    const ended = new AbortController();
    const from = after ?? this.#now();
    const pending = new PendingPresences(from, this.options.presences.regions);
    const lost: FeedEvent[] = [];
    const listening = anySignal([signal, ended.signal]);
    const following = this.#follow(from, pending, lost, changed, listening.signal);
    const relaying = relay(watch.changed, changed, clock, listening.signal);
    for (const task of [following, relaying]) task.catch(() => undefined);
    try {
      const news = new RegionNews();
      for (;;) {
        const { version } = changed;
        const told = pending.told;
        for (const { event, data } of news.take(watch.regions, clock.monotonic())) yield { event, data, id: told };
        yield* lost.splice(0);
        yield* this.#arrivals(pending, signal);
        const limitMs = news.heldBack ? HELD_BACK_MS : HEARTBEAT_MS;
        const woken = await changed.waitFor(version, { limitMs, clock, signal });
        if (!woken && !news.heldBack) yield undefined;
      }
    } finally {
      ended.abort(new Error('nobody listens any more'));
      listening.release();
      stopListening();
    }
  }

  /** The newest change that this process has heard of from anybody. */
  #now(): number {
    return Math.max(
      ...this.options.watch.regions.map(({ status }) => Math.max(status?.head ?? 0, status?.watermark ?? 0)),
    );
  }

  async #follow(
    from: number,
    pending: PendingPresences,
    lost: FeedEvent[],
    changed: Notifier,
    signal: AbortSignal,
  ): Promise<void> {
    for (let last = from; ; ) {
      try {
        for await (const message of this.options.journal()?.journal(last, signal) ?? []) {
          if (message.kind === 'unreadable') last = message.seq;
          if (message.kind !== 'entry') continue;
          last = message.entry.seq;
          const over = pending.add(message.entry);
          // Bounded: a region that lacks so much is told of by its backlog.
          if (over !== undefined && lost.length === 0) lost.push({ event: 'overrun', data: over });
          changed.notify();
        }
      } catch (error) {
        signal.throwIfAborted(); // A source that is lost is asked again; silence of the primary is an event of its own.
        const from = isCutOff(error) ? await this.#origin(signal) : undefined;
        if (from !== undefined && from > last) {
          lost.push({ event: 'gap', data: { after: last, from }, id: from });
          pending.skipTo(from);
          last = from;
          changed.notify();
          continue;
        }
      }
      await this.options.clock.sleep(RETRY_MS, signal);
    }
  }

  /** `undefined` while nobody can say. */
  async #origin(signal: AbortSignal): Promise<number | undefined> {
    try {
      return await this.options.journal()?.origin(signal);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  async *#arrivals(pending: PendingPresences, signal: AbortSignal): AsyncGenerator<FeedEvent> {
    const limiter = new Limiter(QUESTIONS);
    const arrived = this.options.watch.regions.flatMap((heard) =>
      pending.applied(heard).map((change) => limiter.run(signal, () => this.#arrival(heard, change, signal))),
    );
    const events = await Promise.all(arrived);
    pending.settle();
    for (const event of events.sort((a, b) => a.data.seq - b.data.seq)) yield { ...event, id: pending.told };
  }

  /** `present` only by the region's own evidence: it may have applied a change and keep nothing of the image by a rule. */
  async #arrival({ region }: HeardRegion, change: FollowedChange, signal: AbortSignal) {
    const digest = findDigest(change.digest ?? '');
    const data = { ...change, region };
    if (change.type !== 'manifest.put' || digest === undefined) return { event: 'applied', data };
    const repository = parseRepositoryName(change.repository ?? '');
    const image = { repository, reference: { kind: 'digest', digest } } as const;
    const { state, silent } = await this.options.presences.in(region, image, 0, signal);
    const known = silent === true ? 'unknown' : state;
    return known === 'present' ? { event: 'present', data } : { event: 'applied', data: { ...data, state: known } };
  }
}

/** Whether the journal does not go back so far any more. */
function isCutOff(error: unknown): boolean {
  if (error instanceof JournalError) return error.code === 'truncated';
  return error instanceof PeerError && error.code === 'gone';
}

/** Wakes who waits for `to` whenever `from` changes. */
async function relay(from: Notifier, to: Notifier, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { version } = from;
    await from.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
    to.notify();
  }
}
