import type { RepositoryName, Tag } from '#libs/oci';
import type { PlacedPolicy } from '#libs/registry';
import type { Limiter } from '#libs/resilience';
import type { EvictionRounds } from './eviction-rounds.js';
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
  /** Takes away what the newest rules do not let the region have; `applied` keeps nothing in use. For whoever has the turn. */
  readonly evict: (repository: RepositoryName, applied: ReadonlySet<number>) => Promise<void>;
  /** The same for whoever has not, together with others. */
  readonly rounds: Pick<EvictionRounds, 'look'>;
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
   * nothing may come while it is decided what has to go. What does not come waits for no turn. When rules came meanwhile that
   * this process or another one of the region goes by, the repository is held against them, once for all that came before them:
   * with many on their way a look at the repository for each keeps new rules waiting. Of what was never taken there is nothing
   * to take away.
   * @returns whether rules came meanwhile
   */
  async take(arrival: Arrival, admit: Admit): Promise<boolean> {
    const { selection, store, lookForNewer, rounds } = this.options;
    const { repository, seq } = arrival;
    const { placed, rules } = selection;
    await store(placed);
    const bring = async (): Promise<boolean> => {
      const apply = admit();
      if (apply === undefined) return false;
      if (!this.#takenUnder.has(arrival)) this.#takenUnder.set(arrival, placed.seq);
      await apply();
      return true;
    };
    const comes = admit() !== undefined;
    const brought = comes && (await (rules.limits(repository) ? this.#inTurn(arrival, bring) : bring()));
    await lookForNewer();
    const under = this.#takenUnder.get(arrival);
    const isHeld = under === undefined || (brought && under === selection.placed.seq);
    if (!isHeld && selection.rules.limits(repository)) await rounds.look(repository, seq);
    this.#takenUnder.delete(arrival);
    return selection.placed.seq !== placed.seq;
  }

  #inTurn({ repository, tags = [], seq }: Arrival, bring: () => Promise<boolean>): Promise<boolean> {
    const { turns, evict, signal } = this.options;
    return turns.run(signal, async () => {
      const brought = await bring();
      if (brought && tags.length > 0) await evict(repository, new Set(seq === undefined ? [] : [seq]));
      return brought;
    });
  }
}
