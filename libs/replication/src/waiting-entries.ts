import type { Entry } from '#libs/journal';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';

/** Something that must be here before an entry can be applied. */
export type Need =
  | { readonly kind: 'blob'; readonly blob: BlobDescriptor }
  /** A child manifest, brought by an earlier entry that waits itself. */
  | { readonly kind: 'manifest'; readonly repository: RepositoryName; readonly digest: Digest };

interface Waiting {
  readonly entry: Entry;
  readonly needs: Set<string>;
  readonly blobs: readonly BlobDescriptor[];
}

/**
 * Which entries wait for what. It holds nothing that the journal and the store do not know: it can be made anew from
 * them at any time.
 */
export class WaitingEntries {
  readonly #waiting = new Map<number, Waiting>();
  readonly #bySeqOfNeed = new Map<string, Set<number>>();
  readonly #blobs = new Map<Digest, BlobDescriptor>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Blobs that some entry waits for. */
  get missingBlobs(): Iterable<BlobDescriptor> {
    return this.#blobs.values();
  }

  get missingBytes(): number {
    let bytes = 0;
    for (const blob of this.#blobs.values()) bytes += blob.size;
    return bytes;
  }

  get entries(): Iterable<Entry> {
    return [...this.#waiting.values()].map((waiting) => waiting.entry);
  }

  /** Entries that wait for that blob. */
  waitingFor(digest: Digest): readonly Entry[] {
    const seqs = this.#bySeqOfNeed.get(blobKey(digest)) ?? [];
    return [...seqs].flatMap((seq) => this.#waiting.get(seq)?.entry ?? []);
  }

  isMissing(digest: Digest): boolean {
    return this.#blobs.has(digest);
  }

  /** Takes all entries out, in their order: what they need has to be found out anew. */
  drain(): readonly Entry[] {
    const entries = [...this.#waiting.values()].map(({ entry }) => entry).sort((a, b) => a.seq - b.seq);
    this.#waiting.clear();
    this.#bySeqOfNeed.clear();
    this.#blobs.clear();
    return entries;
  }

  add(entry: Entry, needs: readonly Need[]): void {
    const blobs = needs.flatMap((need) => (need.kind === 'blob' ? [need.blob] : []));
    const waiting: Waiting = { entry, needs: new Set(needs.map(needKey)), blobs };
    this.#waiting.set(entry.seq, waiting);
    for (const need of needs) {
      const key = needKey(need);
      const seqs = this.#bySeqOfNeed.get(key) ?? new Set();
      this.#bySeqOfNeed.set(key, seqs.add(entry.seq));
      if (need.kind === 'blob') this.#blobs.set(need.blob.digest, need.blob);
    }
  }

  /** A blob is here now. Returns the entries that nothing keeps waiting any more; they have left. */
  blobArrived(digest: Digest): readonly Entry[] {
    this.#blobs.delete(digest);
    return this.#satisfy(blobKey(digest));
  }

  /** A manifest was applied, or never will be. Returns the entries that nothing keeps waiting any more; they have left. */
  manifestSettled(repository: RepositoryName, digest: Digest): readonly Entry[] {
    return this.#satisfy(manifestKey(repository, digest));
  }

  /** A delete at `seq` was applied: earlier puts of that manifest need nothing any more. Returns them; they have left. */
  overtaken(repository: RepositoryName, digest: Digest, seq: number): readonly Entry[] {
    const entries = [...this.#waiting.values()].map(({ entry }) => entry);
    const left = entries.filter(
      (entry) =>
        entry.type === 'manifest.put' && entry.repository === repository && entry.digest === digest && entry.seq < seq,
    );
    for (const entry of left) this.#forget(entry.seq);
    return left;
  }

  /** An entry that is not to wait any more. @returns whether it did */
  leave(seq: number): boolean {
    const waited = this.#waiting.has(seq);
    this.#forget(seq);
    return waited;
  }

  #forget(seq: number): void {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return;
    this.#waiting.delete(seq);
    for (const key of waiting.needs) {
      const seqs = this.#bySeqOfNeed.get(key);
      seqs?.delete(seq);
      if (seqs?.size === 0) this.#bySeqOfNeed.delete(key);
    }
    for (const { digest } of waiting.blobs) if (!this.#bySeqOfNeed.has(blobKey(digest))) this.#blobs.delete(digest);
  }

  #satisfy(key: string): readonly Entry[] {
    const seqs = this.#bySeqOfNeed.get(key) ?? [];
    this.#bySeqOfNeed.delete(key);
    const ready: Entry[] = [];
    for (const seq of seqs) {
      const waiting = this.#waiting.get(seq);
      waiting?.needs.delete(key);
      if (waiting === undefined || waiting.needs.size > 0) continue;
      this.#waiting.delete(seq);
      ready.push(waiting.entry);
    }
    return ready;
  }
}

function needKey(need: Need): string {
  return need.kind === 'blob' ? blobKey(need.blob.digest) : manifestKey(need.repository, need.digest);
}

const blobKey = (digest: Digest): string => `blob ${digest}`;
const manifestKey = (repository: RepositoryName, digest: Digest): string => `manifest ${repository}@${digest}`;
