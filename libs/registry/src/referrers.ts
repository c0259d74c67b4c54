import { type Descriptor, type Digest, parseDigest, type RepositoryName } from '#libs/oci';
import { isStorageError, keys, type ObjectStore } from '#libs/storage';

/** A manifest that refers to a subject, and the entry that brought it. */
interface Referrer {
  readonly seq: number;
  readonly descriptor: Descriptor;
}

/** A referrers object grows with its subject's referrers; beyond this it is refused rather than read into memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Who refers to a manifest (distribution-spec, Listing Referrers). One object per subject, replaced by condition. */
export class Referrers {
  constructor(private readonly store: ObjectStore) {}

  async list(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
    const found = await this.#read(keys.referrers(repository, subject), signal);
    return found.referrers.map((referrer) => referrer.descriptor);
  }

  add(
    repository: RepositoryName,
    subject: Digest,
    seq: number,
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#change(
      keys.referrers(repository, subject),
      (referrers) => {
        const others = referrers.filter((referrer) => referrer.descriptor.digest !== descriptor.digest);
        const present = referrers.find((referrer) => referrer.descriptor.digest === descriptor.digest);
        return present !== undefined && present.seq >= seq ? referrers : [...others, { seq, descriptor }];
      },
      signal,
    );
  }

  /** Removes what entries before `seq` brought. */
  remove(repository: RepositoryName, subject: Digest, seq: number, digest: Digest, signal: AbortSignal): Promise<void> {
    return this.#change(
      keys.referrers(repository, subject),
      (referrers) => {
        const kept = referrers.filter((referrer) => referrer.descriptor.digest !== digest || referrer.seq > seq);
        return kept.length === referrers.length ? referrers : kept;
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
    const stored = JSON.parse(Buffer.from(found.bytes).toString()) as Referrer[];
    const referrers = stored.map(({ seq, descriptor }) => ({
      seq,
      descriptor: { ...descriptor, digest: parseDigest(descriptor.digest) },
    }));
    return { referrers, etag: found.etag };
  }
}
