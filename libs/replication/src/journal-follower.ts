import type { Entry } from '#libs/journal';
import type { BlobDescriptor } from '#libs/oci';
import { type JournalMessage, PeerError } from '#libs/peer';
import { type Clock, exponentialBackoff, type Random } from '#libs/resilience';
import type { EntryApplier } from './entry-applier.js';
import type { EntryPlanner } from './entry-planner.js';
import type { JournalSource } from './journal-source.js';
import type { MissingBlobs } from './missing-blobs.js';
import type { PolicyEnforcer } from './policy-enforcer.js';
import type { RegionFilling } from './region-filling.js';
import type { RegionStanding } from './region-standing.js';
import type { Selection } from './selection.js';

/** Hints that are followed at once; more are let go, for their entries will ask. */
const MAX_HINTS = 256;

export interface JournalFollowerOptions {
  readonly source: JournalSource;
  readonly selection: Selection;
  readonly enforcer: PolicyEnforcer;
  readonly standing: () => RegionStanding;
  readonly missing: MissingBlobs;
  readonly planner: EntryPlanner;
  readonly applier: EntryApplier;
  readonly filling: RegionFilling;
  /** Entries planned and not applied, at the most just now. */
  readonly window: () => number;
  /** The primary was heard, and what its policy is. */
  readonly onIntroduced: () => void;
  readonly onRetry: (what: string, error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** Hears the primary's journal, and hands each entry to whoever plans or applies it, in the journal's order. */
export class JournalFollower {
  #hints = 0;

  constructor(private readonly options: JournalFollowerOptions) {}

  /** Follows until the replicator stops. */
  async follow(): Promise<void> {
    const { source, standing, onRetry, clock, random, signal } = this.options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        for await (const message of source.journal(standing().taken, signal)) {
          attempt = 0;
          standing().heard(clock.now());
          await this.#hear(message);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (await this.#fillsInstead(error)) continue;
        onRetry('following the journal', error);
      }
      await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 5_000 }, random), signal);
    }
  }

  /**
   * Where the journal was cut off meanwhile, takes in a snapshot beside what is left of it.
   * @returns false if it was not, or if there is none to be had now: then the journal is asked again, and says so again
   */
  async #fillsInstead(error: unknown): Promise<boolean> {
    const { standing, filling, onRetry, signal } = this.options;
    if (!(error instanceof PeerError && error.code === 'gone')) return false;
    try {
      return await filling.start(standing().taken + 1);
    } catch (failure) {
      signal.throwIfAborted();
      onRetry('looking for a snapshot', failure);
      return false;
    }
  }

  async #hear(message: JournalMessage): Promise<void> {
    const { standing, enforcer, onIntroduced } = this.options;
    switch (message.kind) {
      case 'head':
        onIntroduced();
        standing().refuseEarlierEpoch(message.epoch);
        return standing().announce(message);
      case 'policy':
        return enforcer.adopt(message);
      case 'hint':
        return this.#hearHint(message.blob);
      case 'unreadable':
        await this.#untilItsTurn(message.seq);
        return standing().setAside(message.seq, message.reason);
      case 'entry':
        return this.#take(message.entry);
    }
  }

  #hearHint(blob: BlobDescriptor): void {
    const { selection, standing, missing, window } = this.options;
    // Of which repository it is nobody says.
    if (selection.rules.restricts) return;
    if (!standing().hasRoom(window()) || this.#hints >= MAX_HINTS) return;
    this.#hints += 1;
    void missing.requestEarly(blob).finally(() => {
      this.#hints -= 1;
    });
  }

  /**
   * Takes up one entry. Waits while the window is full, and so holds the stream back. Puts are planned together, for they may
   * overtake each other; a delete is planned alone: what came before it is planned by then, and it is applied before what
   * follows.
   */
  async #take(entry: Entry): Promise<void> {
    const { enforcer, planner, applier, filling } = this.options;
    const standing = this.options.standing();
    standing.refuseEarlierEpoch(entry.epoch);
    await this.#untilItsTurn(entry.seq);
    if (standing.isApplied(entry.seq)) return standing.take(entry.seq);
    if (entry.type !== 'manifest.put') await planner.settled();
    standing.begin(entry);
    standing.take(entry.seq);
    if (entry.type === 'policy.put') await enforcer.adopt(entry);
    // What was deleted before the snapshot is here until that is taken in, and has to be whole. Nothing waits for a sweep.
    if (entry.type === 'blobs.sweep' && standing.isFilling) {
      filling.filled.then(() => applier.apply(entry)).catch(() => undefined); // It only rejects when the replicator stops.
      return;
    }
    if (entry.type !== 'manifest.put') return applier.apply(entry);
    planner.plan(entry);
  }

  async #untilItsTurn(seq: number): Promise<void> {
    const { standing, window, clock, signal } = this.options;
    const { changed } = standing();
    standing().expect(seq);
    for (;;) {
      const { version } = changed;
      if (standing().hasRoom(window())) return;
      await changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
    }
  }
}
