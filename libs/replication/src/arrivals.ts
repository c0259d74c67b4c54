import type { RepositoryName, Tag } from '#libs/oci';
import type { PlacedPolicy } from '#libs/registry';
import type { Limiter } from '#libs/resilience';
import type { Selection } from './selection.js';

/**
 * What comes to a region because its rules let it: a manifest of the journal or of a snapshot, or no more than the name of a
 * repository. Whoever tries again does so with the same object.
 */
export interface Arrival {
  readonly repository: RepositoryName;
  readonly tags?: readonly Tag[];
  /** Its place in the journal, if it is an entry of it. */
  readonly seq?: number;
}

/** How to bring it, if it may come now. */
export type Admit = () => (() => Promise<void>) | undefined;

export interface ArrivalsOptions {
  readonly selection: Selection;
  /** Shared with whoever takes something away: where the region has a part of a repository, one at a time. */
  readonly turns: Limiter;
  /** Lets the region's bucket know by which rules something comes. */
  readonly store: (placed: PlacedPolicy) => Promise<void>;
  /** Goes by newer rules at once, if the region's bucket knows of any. */
  readonly lookForNewer: () => Promise<void>;
  /** Takes away what the newest rules do not let the region have; `applied` keeps nothing in use. */
  readonly evict: (repository: RepositoryName, applied?: number) => Promise<void>;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** Holds whatever comes to a region against the newest rules, for their own turn may be over when it does. */
export class Arrivals {
  /**
   * By the rules of which place something of it came that was not held against the newest yet: what fails in between is
   * tried again, and may not be admitted then, by rules that have had their turn.
   */
  readonly #takenUnder = new WeakMap<Arrival, number>();

  constructor(private readonly options: ArrivalsOptions) {}

  /**
   * Where the region has only a part of a repository, one at a time, and after what has tags what became too old leaves:
   * nothing may come while it is decided what has to go. When rules came meanwhile that this process or another one of the
   * region goes by, the repository is held against them. Of what was never taken there is nothing to take away: with many
   * on their way a look at the repository for each keeps new rules waiting.
   * @returns whether rules came meanwhile
   */
  async take(arrival: Arrival, admit: Admit): Promise<boolean> {
    const { selection, turns, store, lookForNewer, evict, signal } = this.options;
    const { repository, tags = [], seq } = arrival;
    const { placed, rules } = selection;
    await store(placed);
    const bring = async (): Promise<void> => {
      const apply = admit();
      if (apply === undefined) return;
      if (!this.#takenUnder.has(arrival)) this.#takenUnder.set(arrival, placed.seq);
      await apply();
    };
    if (rules.limits(repository)) {
      await turns.run(signal, async () => {
        await bring();
        if (this.#takenUnder.has(arrival) && tags.length > 0) await evict(repository, seq);
      });
    } else await bring();
    await lookForNewer();
    const under = this.#takenUnder.get(arrival) ?? selection.placed.seq;
    if (under !== selection.placed.seq && selection.rules.limits(repository))
      await turns.run(signal, () => evict(repository, seq));
    this.#takenUnder.delete(arrival);
    return selection.placed.seq !== placed.seq;
  }
}
