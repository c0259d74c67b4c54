import type { Entry } from '#libs/journal';
import type { Digest } from '#libs/oci';
import { applyContentEntry, type RegionContent } from '#libs/registry';
import { type Clock, Limiter, type Random } from '#libs/resilience';
import type { EntryPlanner } from './entry-planner.js';
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
  readonly planner: Pick<EntryPlanner, 'isOutdated' | 'plan'>;
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

  /** Resolves when it is applied, or planned anew because that is outdated; rejects only when the replicator stops, which nobody has to hear. */
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
    let outdated = false;
    const work = (): Promise<void> =>
      this.#limiter.run(signal, async () => {
        outdated = await this.#once(entry);
      });
    await untilDone(`applying entry ${entry.seq}`, work, { clock, random, onRetry, signal });
    if (outdated) return this.options.planner.plan(entry);
    standing().apply(entry.seq);
    observer.onApplied(entry);
    onApplied(entry);
  }

  /** @returns true if it may need by now what is not here, or have to be looked at again (I2) */
  async #once(entry: Entry): Promise<boolean> {
    const { content, selection, enforcer, planner, signal } = this.options;
    let outdated = false;
    const overtaken = await enforcer.alone(entry, () => {
      outdated = planner.isOutdated(entry);
      const admitted = outdated ? undefined : selection.admitted(entry);
      if (admitted === undefined) return undefined;
      const isNew = (blob: Digest): boolean => content.blobs.lately.link(blob);
      return async () => {
        await applyContentEntry(content, admitted, signal, isNew);
        // It may have taken so long that what it needs was gone before anybody could see who needs it.
        outdated = planner.isOutdated(entry);
      };
    });
    return outdated || overtaken;
  }
}
