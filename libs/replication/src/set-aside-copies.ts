import { isRepositoryChange } from '#libs/journal';
import type { Digest } from '#libs/oci';
import { type Clock, nextBeat } from '#libs/resilience';
import type { RetryRequest } from './control-store.js';
import { type FailedCopies, type FailedCopy, MAX_REPOSITORIES } from './failed-copies.js';
import type { Setbacks } from './setbacks.js';
import type { WaitingEntries } from './waiting-entries.js';

/** Noted at most this often. */
const LOOK_MS = 1_000;

export interface SetAsideCopiesOptions {
  readonly setbacks: Setbacks;
  readonly waiting: WaitingEntries;
  /** Without it nothing outlives the process. */
  readonly store?: FailedCopies;
  readonly clock: Clock;
  readonly onRetry: (what: string, error: unknown) => void;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** Copies that were set aside: noted in the region's bucket, and told to those who ask. */
export class SetAsideCopies {
  #noted = new Map<string, string>();

  constructor(private readonly options: SetAsideCopiesOptions) {}

  /** Takes over what an earlier process noted. */
  async open(signal: AbortSignal): Promise<void> {
    const { setbacks, store } = this.options;
    const copies = (await store?.read(signal)) ?? [];
    setbacks.restore(copies);
    this.#noted = marksOf(copies);
  }

  get count(): number {
    return this.options.setbacks.setAside.length;
  }

  /** Entries that wait for one of them: they take no place from those that come after them. */
  get entries(): number {
    const { setbacks, waiting } = this.options;
    const aside = setbacks.setAside;
    return aside.length === 0 ? 0 : new Set(aside.flatMap(({ blob }) => waiting.waitingFor(blob.digest))).size;
  }

  /** Which of them a request is about. */
  matching({ digest, repository }: RetryRequest): readonly Digest[] {
    return this.#current()
      .filter(({ blob }) => digest === undefined || blob.digest === digest)
      .filter(({ repositories }) => repository === undefined || repositories.includes(repository))
      .map(({ blob }) => blob.digest);
  }

  /** Notes whatever changes, until the replicator stops. */
  async keepNoting(): Promise<void> {
    const { clock, onRetry, signal } = this.options;
    for (;;) {
      await nextBeat(LOOK_MS, clock, signal);
      try {
        await this.#note();
      } catch (error) {
        signal.throwIfAborted();
        onRetry('noting which copies were set aside', error);
      }
    }
  }

  async #note(): Promise<void> {
    const { setbacks, waiting, store, signal } = this.options;
    setbacks.forgetUnless((digest) => waiting.isMissing(digest));
    const current = this.#current();
    const marks = marksOf(current);
    const changed = [...marks].some(([digest, mark]) => this.#noted.get(digest) !== mark);
    const cleared = new Set([...this.#noted.keys()].filter((digest) => !marks.has(digest)));
    if (!changed && cleared.size === 0) return;
    await store?.save(current, cleared, signal);
    this.#noted = marks;
  }

  #current(): readonly FailedCopy[] {
    const { setbacks, waiting } = this.options;
    return setbacks.setAside.map(({ blob, reason, failures, ownFailures, sinceMs, triedMs }) => {
      const names = waiting
        .waitingFor(blob.digest)
        .flatMap((each) => (isRepositoryChange(each) ? [each.repository] : []));
      const repositories = [...new Set(names)].slice(0, MAX_REPOSITORIES);
      return { blob, reason, failures, ownFailures, sinceMs, triedMs, repositories };
    });
  }
}

function marksOf(copies: readonly FailedCopy[]): Map<string, string> {
  return new Map(copies.map(({ blob, failures, reason }) => [blob.digest, `${failures} ${reason}`]));
}
