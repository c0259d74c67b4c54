import type { Descriptor, Digest, RepositoryName } from '#libs/oci';
import { isStorageError, keys, type ObjectStore } from '#libs/storage';
import { putOver } from './seq-register.js';
import { allObjects, forEachOf } from './upkeep/all-objects.js';

/**
 * What the entry at `seq` said of a manifest: that it refers to the subject, or, without a descriptor, that it is deleted.
 * The deletion is kept, so that a put which comes after it and lies before it in the journal changes nothing (I6).
 */
export interface Referrer {
  readonly seq: number;
  readonly digest: Digest;
  readonly descriptor?: Descriptor;
  /** It refers to the subject, and the policy does not let the region have it. */
  readonly evicted?: true;
}

/** A referrers object grows with its subject's referrers; beyond this it is refused rather than read into memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Who refers to a manifest (distribution-spec, Listing Referrers). One object per subject, replaced by condition. */
export class Referrers {
  constructor(private readonly store: ObjectStore) {}

  async list(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
    const found = await this.#read(keys.referrers(repository, subject), signal);
    return found.referrers.flatMap(({ descriptor }) => (descriptor === undefined ? [] : [descriptor]));
  }

  /** What is stored and its version, deletions among it, in the order of digests; nothing of what cannot be read. */
  async inspect(
    repository: RepositoryName,
    subject: Digest,
    signal: AbortSignal,
  ): Promise<{ readonly etag: string; readonly state: readonly Referrer[] } | undefined> {
    const found = await this.store.read(keys.referrers(repository, subject), signal, MAX_BYTES);
    return found === undefined ? undefined : { etag: found.etag, state: readable(found.bytes) };
  }

  /** Takes away what is said wrongly of one manifest, or what cannot be read. @returns false if it was replaced meanwhile */
  clear(
    repository: RepositoryName,
    subject: Digest,
    wrong: { readonly etag: string; readonly state: readonly Referrer[] },
    next: Pick<Referrer, 'digest' | 'seq' | 'evicted'>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const others = wrong.state.filter(({ digest }) => digest !== next.digest);
    const bytes = Buffer.from(JSON.stringify([...others, next]));
    return putOver(this.store, keys.referrers(repository, subject), bytes, wrong.etag, signal);
  }

  add(
    repository: RepositoryName,
    subject: Digest,
    seq: number,
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#advance(repository, subject, { seq, digest: descriptor.digest, descriptor }, signal);
  }

  /** Removes what entries before `seq` brought, whether it has come yet or not. */
  remove(repository: RepositoryName, subject: Digest, seq: number, digest: Digest, signal: AbortSignal): Promise<void> {
    return this.#advance(repository, subject, { seq, digest }, signal);
  }

  /** The policy does not let the region have it; it comes back with the entry that it came from. */
  evict(repository: RepositoryName, subject: Digest, digest: Digest, signal: AbortSignal): Promise<void> {
    return this.#evict(keys.referrers(repository, subject), (each) => each.digest === digest, signal);
  }

  /** The policy does not let the region have any of the repository, whether or not their manifests are here. */
  async evictAll(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    for await (const page of allObjects(this.store, keys.referrersOf(repository), signal)) {
      await forEachOf(page, ({ key }) => this.#evict(key, () => true, signal));
    }
  }

  #evict(key: string, leaves: (referrer: Referrer) => boolean, signal: AbortSignal): Promise<void> {
    const shownAndLeaves = (each: Referrer): boolean => each.descriptor !== undefined && leaves(each);
    return this.#change(
      key,
      (referrers) =>
        referrers.some(shownAndLeaves)
          ? referrers.map((each) =>
              shownAndLeaves(each) ? { seq: each.seq, digest: each.digest, evicted: true } : each,
            )
          : referrers,
      signal,
    );
  }

  /** The highest seq decides, manifest by manifest. */
  #advance(repository: RepositoryName, subject: Digest, next: Referrer, signal: AbortSignal): Promise<void> {
    return this.#change(
      keys.referrers(repository, subject),
      (referrers) => {
        const present = referrers.find(({ digest }) => digest === next.digest);
        if (present !== undefined && isThere(present, next)) return referrers;
        return [...referrers.filter((other) => other !== present), next];
      },
      signal,
    );
  }

  async #change(
    key: string,
    change: (referrers: readonly Referrer[]) => readonly Referrer[],
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const { referrers, etag } = await this.#read(key, signal);
      const next = change(referrers);
      if (next === referrers) return;
      const condition = etag === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'matches', etag } as const);
      try {
        await this.store.put(key, Buffer.from(JSON.stringify(next)), { condition, signal });
        return;
      } catch (error) {
        if (!isStorageError(error, 'precondition_failed')) throw error;
      }
    }
  }

  async #read(key: string, signal: AbortSignal): Promise<{ referrers: readonly Referrer[]; etag?: string }> {
    const found = await this.store.read(key, signal, MAX_BYTES);
    if (found === undefined) return { referrers: [] };
    const referrers = JSON.parse(Buffer.from(found.bytes).toString()) as Referrer[];
    return { referrers, etag: found.etag };
  }
}

function isThere(present: Referrer, next: Referrer): boolean {
  return present.seq > next.seq || (present.seq === next.seq && present.evicted === undefined);
}

function readable(bytes: Uint8Array): readonly Referrer[] {
  try {
    const list: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (!Array.isArray(list)) return [];
    return (list as readonly Referrer[]).toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
