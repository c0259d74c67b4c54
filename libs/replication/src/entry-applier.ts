import type { Entry } from '#libs/journal';
import { applyEntry, type RegionContent } from '#libs/registry';
import { type Clock, Limiter, type Random } from '#libs/resilience';
import type { PolicyEnforcer } from './policy-enforcer.js';
import type { RegionStanding } from './region-standing.js';
import type { ReplicatorObserver } from './replicator-options.js';
import type { Selection } from './selection.js';
import { untilDone } from './until-done.js';

/** Entries applied at once. */
const APPLY_CONCURRENCY = 32;

export interface EntryApplierOptions {
  readonly content: RegionContent;
  readonly selection: Selection;
  readonly enforcer: Pick<PolicyEnforcer, 'alone'>;
  readonly standing: () => RegionStanding;
  readonly observer: ReplicatorObserver;
  /** It shows in the region now. */
  readonly onApplied: (entry: Entry) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** Applies entries that wait for nothing any more, some at once and each until it is done. */
export class EntryApplier {
  readonly #limiter = new Limiter(APPLY_CONCURRENCY);
  readonly #applying = new Set<Promise<void>>();

  constructor(private readonly options: EntryApplierOptions) {}

  /** Resolves when it is applied; rejects only when the replicator stops, which nobody has to hear. */
  apply(entry: Entry): Promise<void> {
    const applying = this.#apply(entry);
    const settled = applying.catch(() => undefined).finally(() => this.#applying.delete(settled));
    this.#applying.add(settled);
    return applying;
  }

  /** What is being applied now, to be waited for. */
  get underWay(): readonly Promise<void>[] {
    return [...this.#applying];
  }

  async #apply(entry: Entry): Promise<void> {
    const { clock, random, observer, standing, onApplied, signal } = this.options;
    const onRetry = (what: string, error: unknown): void => observer.onRetry(what, error, entry);
    const work = (): Promise<void> => this.#limiter.run(signal, () => this.#once(entry));
    await untilDone(`applying entry ${entry.seq}`, work, { clock, random, onRetry, signal });
    standing().apply(entry.seq);
    observer.onApplied(entry);
    onApplied(entry);
  }

  #once(entry: Entry): Promise<void> {
    const { content, selection, enforcer, signal } = this.options;
    return enforcer.alone(entry, async () => {
      const admitted = selection.admitted(entry);
      if (admitted !== undefined) await applyEntry(content, admitted, signal);
    });
  }
}
