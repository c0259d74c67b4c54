import type { Logger } from 'pino';
import { isRepositoryChange } from '#libs/journal';
import { type JournalMessage, type PeerClient, PeerError } from '#libs/peer';
import { type Clock, exponentialBackoff, type Random } from '#libs/resilience';
import type { RegionKnowledge } from './region-knowledge.js';

/** A region as the router hears it. */
export type RegionFeed = Pick<PeerClient, 'region' | 'status' | 'statusStream' | 'journal'>;

/** A region that is back should be used again within two seconds, so waiting longer than half of that gains nothing. */
const RETRY = { baseMs: 100, capMs: 1_000 };

/** Listens to the regions for as long as the router lives, and opens again what breaks. */
export class RegionFeeds {
  constructor(
    private readonly feeds: readonly RegionFeed[],
    private readonly knowledge: RegionKnowledge,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly log: Logger,
  ) {}

  /** Resolves when the signal has aborted and everything has ended. */
  async follow(signal: AbortSignal): Promise<void> {
    const primary = this.feeds.find(({ region }) => region === this.knowledge.primary.name);
    const journal = primary === undefined ? [] : [this.#journal(primary, signal)];
    await Promise.all([...this.feeds.map((feed) => this.#status(feed, signal)), ...journal]);
  }

  #status(feed: RegionFeed, signal: AbortSignal): Promise<void> {
    return this.#forever(feed, 'status', signal, async (heard) => {
      for await (const status of feed.statusStream(signal)) {
        if (status.region !== feed.region) throw new PeerError('protocol', feed.region, `it is ${status.region}`);
        heard();
        this.knowledge.heard(feed.region, status);
      }
    });
  }

  /** Goes on where it stopped. A journal that refuses that is another one, and is begun anew. */
  #journal(feed: RegionFeed, signal: AbortSignal): Promise<void> {
    let after: number | undefined;
    return this.#forever(feed, 'journal', signal, async (heard) => {
      const from: number = after ?? (await this.#beginning(feed, signal));
      after = from;
      let begun = false;
      try {
        for await (const message of feed.journal(from, signal)) {
          heard();
          // What lies between is on its way; until it has come, only who has all of it is fresh.
          if (!begun && message.kind === 'head') this.knowledge.begin(Math.max(message.seq, from));
          begun ||= message.kind === 'head';
          after = this.#learn(message) ?? after;
        }
      } catch (error) {
        if (error instanceof PeerError && (error.code === 'refused' || error.code === 'gone')) after = undefined;
        throw error;
      }
    });
  }

  /** The place in the journal that a message is about, if it is about one. */
  #learn(message: JournalMessage): number | undefined {
    if (message.kind === 'entry') {
      const { entry } = message;
      // What a sweep takes nobody was told of for a long time, and a policy moves no tag: without it a region is no less fresh.
      this.knowledge.learn(entry.seq, isRepositoryChange(entry) ? entry.repository : undefined);
      if (entry.type === 'policy.put') this.knowledge.learnPolicy(entry);
      return entry.seq;
    }
    if (message.kind === 'policy') this.knowledge.beginPolicy(message);
    if (message.kind !== 'unreadable') return undefined;
    this.knowledge.learnUnreadable(message.seq);
    return message.seq;
  }

  async #beginning(feed: RegionFeed, signal: AbortSignal): Promise<number> {
    const { head, watermark } = await feed.status(signal);
    return Math.max(head, watermark);
  }

  /** Only the status stream speaks for a region's health: a journal that is late makes nobody unhealthy. */
  async #forever(
    feed: RegionFeed,
    stream: 'status' | 'journal',
    signal: AbortSignal,
    listen: (heard: () => void) => Promise<void>,
  ): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await listen(() => {
          failures = 0;
        });
      } catch (error) {
        // A region that stays away is news once.
        const level = failures === 0 ? 'warn' : 'debug';
        if (!signal.aborted) this.log[level]({ err: error, region: feed.region, stream }, 'region stream failed');
      }
      if (signal.aborted) return;
      if (stream === 'status') this.knowledge.failed(feed.region);
      await this.#pause(failures, signal);
      failures += 1;
    }
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const pauseMs = exponentialBackoff(failures, RETRY, this.random);
    try {
      await this.clock.sleep(pauseMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
