import type { RepositoryName } from '#libs/oci';
import type { Limiter } from '#libs/resilience';

export interface EvictionRoundsOptions {
  /** Shared with whatever comes where the region has a part of a repository. */
  readonly turns: Limiter;
  /** Takes away what the newest rules do not let the region have; what is `applied` keeps nothing in use. */
  readonly evict: (repository: RepositoryName, applied: ReadonlySet<number>) => Promise<void>;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** A look that has not begun, and for which entries it is. */
interface Round {
  readonly applied: Set<number>;
  readonly ended: Promise<void>;
}

/**
 * Looks through repositories for what the newest rules take. A look costs as much as the repository is long, and what rules take
 * of everything under way there waits for it, as do the rules: so whoever asks for a repository whose look has not begun shares that.
 */
export class EvictionRounds {
  readonly #next = new Map<RepositoryName, Round>();

  constructor(private readonly options: EvictionRoundsOptions) {}

  /**
   * Resolves when a look that began after the question has taken what had to go.
   * @param applied an entry that has been brought, though it is not done yet
   */
  look(repository: RepositoryName, applied?: number): Promise<void> {
    const round = this.#next.get(repository) ?? this.#gather(repository);
    if (applied !== undefined) round.applied.add(applied);
    return round.ended;
  }

  #gather(repository: RepositoryName): Round {
    const { turns, evict, signal } = this.options;
    const applied = new Set<number>();
    const begin = async (): Promise<void> => {
      // Who asks at the same moment shares it; nobody does who asks while it looks, for it may have passed what has to go.
      await Promise.resolve();
      this.#next.delete(repository);
      await evict(repository, applied);
    };
    const round = { applied, ended: turns.run(signal, begin) };
    this.#next.set(repository, round);
    return round;
  }
}
