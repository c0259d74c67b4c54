import type { Entry } from '#libs/journal';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';

import type { ImageName } from './pulled-images.js';

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
 * Which entries wait for what; those of a snapshot are told from those of the journal by nothing but themselves. It holds
 * nothing that the journal and the store do not know: it can be made anew from them at any time.
 */
export class WaitingEntries {
  readonly #waiting = new Map<Entry, Waiting>();
  readonly #byNeed = new Map<string, Set<Entry>>();
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
    return [...this.#waiting.keys()];
  }

  /** Entries that wait for that blob. */
  waitingFor(digest: Digest): readonly Entry[] {
    return [...(this.#byNeed.get(blobKey(digest)) ?? [])];
  }

  /** Blobs that the manifest waits for. */
  missingOf({ repository, digest }: ImageName): readonly BlobDescriptor[] {
    const isIt = ({ entry }: Waiting): boolean =>
      entry.type === 'manifest.put' && entry.digest === digest && entry.repository === repository;
    return [...this.#waiting.values()]
      .filter(isIt)
      .flatMap(({ blobs }) => blobs.filter((b) => this.isMissing(b.digest)));
  }

  isMissing(digest: Digest): boolean {
    return this.#blobs.has(digest);
  }

  /** Takes all entries out, in their order: what they need has to be found out anew. */
  drain(): readonly Entry[] {
    const entries = [...this.#waiting.keys()].sort((a, b) => a.seq - b.seq);
    this.#waiting.clear();
    this.#byNeed.clear();
    this.#blobs.clear();
    return entries;
  }

  add(entry: Entry, needs: readonly Need[]): void {
    const blobs = needs.flatMap((need) => (need.kind === 'blob' ? [need.blob] : []));
    const waiting: Waiting = { entry, needs: new Set(needs.map(needKey)), blobs };
    this.#waiting.set(entry, waiting);
    for (const need of needs) {
      const key = needKey(need);
      const entries = this.#byNeed.get(key) ?? new Set();
      this.#byNeed.set(key, entries.add(entry));
      if (need.kind === 'blob') this.#blobs.set(need.blob.digest, need.blob);
    }
  }

  /** Child manifests that some entry waits for. */
  get missingManifests(): readonly { readonly repository: RepositoryName; readonly digest: Digest }[] {
    return [...this.#waiting.values()].flatMap(({ entry, needs }) => {
      if (entry.type !== 'manifest.put') return [];
      const { repository, children } = entry;
      const awaited = children.filter((digest) => needs.has(manifestKey(repository, digest)));
      return awaited.map((digest) => ({ repository, digest }));
    });
  }

  /** A blob is here now. Returns the entries that nothing keeps waiting any more; they have left. */
  blobArrived(digest: Digest): readonly Entry[] {
    this.#blobs.delete(digest);
    return this.#satisfy(blobKey(digest));
  }

  /** Entries that nothing keeps waiting any more, now that `entry` was applied; they have left. */
  applied(entry: Entry): readonly Entry[] {
    if (entry.type === 'manifest.put') return this.manifestSettled(entry.repository, entry.digest);
    if (entry.type === 'manifest.delete') return this.overtaken(entry.repository, entry.digest, entry.seq);
    return [];
  }

  /** A manifest was applied, or never will be. Returns the entries that nothing keeps waiting any more; they have left. */
  manifestSettled(repository: RepositoryName, digest: Digest): readonly Entry[] {
    return this.#satisfy(manifestKey(repository, digest));
  }

  /** A delete at `seq` was applied: earlier puts of that manifest need nothing any more. Returns them; they have left. */
  overtaken(repository: RepositoryName, digest: Digest, seq: number): readonly Entry[] {
    const left = [...this.#waiting.keys()].filter(
      (entry) =>
        entry.type === 'manifest.put' && entry.repository === repository && entry.digest === digest && entry.seq < seq,
    );
    for (const entry of left) this.#forget(entry);
    return left;
  }

  /** An entry that is not to wait any more. @returns whether it did */
  leave(entry: Entry): boolean {
    const waited = this.#waiting.has(entry);
    this.#forget(entry);
    return waited;
  }

  #forget(entry: Entry): void {
    const waiting = this.#waiting.get(entry);
    if (waiting === undefined) return;
    this.#waiting.delete(entry);
    for (const key of waiting.needs) {
      const entries = this.#byNeed.get(key);
      entries?.delete(entry);
      if (entries?.size === 0) this.#byNeed.delete(key);
    }
    for (const { digest } of waiting.blobs) if (!this.#byNeed.has(blobKey(digest))) this.#blobs.delete(digest);
  }

  #satisfy(key: string): readonly Entry[] {
    const entries = this.#byNeed.get(key) ?? [];
    this.#byNeed.delete(key);
    const ready: Entry[] = [];
    for (const entry of entries) {
      const waiting = this.#waiting.get(entry);
      waiting?.needs.delete(key);
      if (waiting === undefined || waiting.needs.size > 0) continue;
      this.#waiting.delete(entry);
      ready.push(entry);
    }
    return ready;
  }
}

function needKey(need: Need): string {
  return need.kind === 'blob' ? blobKey(need.blob.digest) : manifestKey(need.repository, need.digest);
}

const blobKey = (digest: Digest): string => `blob ${digest}`;
const manifestKey = (repository: RepositoryName, digest: Digest): string => `manifest ${repository}@${digest}`;
