import type { Position, SnapshotManifest, SnapshotRecord } from '#libs/journal';
import type { RepositoryName } from '#libs/oci';
import { applyContentEntry, CompactSet, type RegionContent } from '#libs/registry';

/**
 * What a region has of before, and a snapshot has not: deleted by entries that nobody has any more, or by some that come. A
 * bucket that was empty has none, and one that was away for longer than the journal goes back may.
 */
export class Leftovers {
  readonly #kept = new CompactSet();
  readonly #counted = new CompactSet();

  /**
   * @param place up to where the journal was applied when this began, and not beyond the snapshot's. What it brings behind that
   * is here until it deletes it, and has to be whole, though a later snapshot knows nothing of it
   */
  constructor(
    private readonly place: Omit<Position, 'chain'>,
    private readonly content: RegionContent,
  ) {}

  /** The snapshot has it. */
  keep(record: SnapshotRecord): void {
    if (record.kind !== 'image') return;
    const { repository, digest, blobs } = record.entry;
    this.#kept.add(`${repository}@${digest}`);
    for (const blob of blobs) this.#kept.add(`${repository} reads ${blob.digest}`);
    for (const { tag } of record.tags) this.#kept.add(`${repository}:${tag}`);
  }

  /** Bytes of an image's blobs that no image before it had. */
  newBytes({ blobs }: SnapshotManifest): number {
    const fresh = blobs.filter(({ digest }) => !this.#counted.has(digest));
    for (const { digest } of fresh) this.#counted.add(digest);
    return fresh.reduce((bytes, { size }) => bytes + size, 0);
  }

  /** Deletes it, as of that place: what later entries brought meanwhile, and what they will bring, stays. */
  async remove(signal: AbortSignal): Promise<void> {
    for await (const repositories of this.content.catalog.all(signal)) {
      for (const repository of repositories) {
        await this.#tags(repository, signal);
        await this.#manifests(repository, signal);
        await this.#links(repository, signal);
      }
    }
  }

  async #tags(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    for await (const page of this.content.tags.all(repository, signal)) {
      for (const tag of page.filter((name) => !this.#kept.has(`${repository}:${name}`))) {
        await applyContentEntry(this.content, { type: 'tag.delete', repository, tag, ...this.place }, signal);
      }
    }
  }

  async #manifests(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    const { manifests } = this.content;
    for await (const page of manifests.digests(repository, signal)) {
      for (const digest of page.filter((each) => !this.#kept.has(`${repository}@${each}`))) {
        const found = await manifests.state(repository, digest, signal);
        if (found?.value === undefined || found.seq > this.place.seq) continue;
        const { subject } = found.value;
        const named = subject === undefined ? { tags: [] } : { tags: [], subject };
        const entry = { type: 'manifest.delete', repository, digest, ...named, ...this.place } as const;
        await applyContentEntry(this.content, entry, signal);
      }
    }
  }

  async #links(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    for await (const page of this.content.links.digests(repository, false, signal)) {
      for (const digest of page.filter((each) => !this.#kept.has(`${repository} reads ${each}`))) {
        await applyContentEntry(this.content, { type: 'blob.delete', repository, digest, ...this.place }, signal);
      }
    }
  }
}
