import { type Policy, type RegionName, RegionRules } from '#libs/geo';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import type { ManifestRecord, RegionContent } from '#libs/registry';
import { type HeldTag, heldTags, leavingTags } from './evict.js';

export interface Change {
  readonly tags: number;
  /** Of blobs; one that several repositories share counts for each of them. */
  readonly bytes: number;
}

/** What another policy would do in a region. */
export interface Foresight {
  readonly region: RegionName;
  readonly copied: Change;
  readonly removed: Change;
}

/** Indexes inside indexes: deeper than any client makes them, and bounded. */
const MAX_DEPTH = 8;

/** What a region has of a repository: its tags, and the blobs that these lead to and that are copied. */
interface Share {
  readonly tags: ReadonlySet<string>;
  readonly blobs: ReadonlyMap<Digest, number>;
}

/**
 * Says what would be copied and removed if `to` came in the place of `from`, by the content of the primary. It looks at
 * tags, repository after repository: what has none is not counted, and blobs on demand are neither copied nor removed.
 */
export async function foresee(
  content: RegionContent,
  { from, to, regions }: { readonly from: Policy; readonly to: Policy; readonly regions: readonly RegionName[] },
  signal: AbortSignal,
): Promise<readonly Foresight[]> {
  const found = regions.map((region) => ({
    region,
    before: new RegionRules(from, region),
    after: new RegionRules(to, region),
    copied: { tags: 0, bytes: 0 },
    removed: { tags: 0, bytes: 0 },
  }));
  for await (const repositories of content.catalog.all(signal)) {
    for (const repository of repositories) {
      const concerned = found.filter(({ before, after }) => before.touches(repository) || after.touches(repository));
      if (concerned.length === 0) continue;
      const whole = await RepositoryContent.read(content, repository, signal);
      for (const { before, after, copied, removed } of concerned) {
        const [held, wanted] = [await whole.shareOf(before, signal), await whole.shareOf(after, signal)];
        add(copied, wanted, held);
        add(removed, held, wanted);
      }
    }
  }
  return found.map(({ region, copied, removed }) => ({ region, copied, removed }));
}

function add(change: { tags: number; bytes: number }, share: Share, other: Share): void {
  for (const tag of share.tags) if (!other.tags.has(tag)) change.tags += 1;
  for (const [digest, size] of share.blobs) if (!other.blobs.has(digest)) change.bytes += size;
}

class RepositoryContent {
  readonly #manifests = new Map<Digest, Pick<ManifestRecord, 'blobs' | 'children'>>();

  private constructor(
    private readonly content: RegionContent,
    private readonly repository: RepositoryName,
    private readonly tags: readonly HeldTag[],
  ) {}

  static async read(content: RegionContent, repository: RepositoryName, signal: AbortSignal) {
    return new RepositoryContent(content, repository, await heldTags(content, repository, signal));
  }

  async shareOf(rules: RegionRules, signal: AbortSignal): Promise<Share> {
    const leaving = new Set(leavingTags(rules, this.repository, this.tags));
    const kept = this.tags.filter((held) => !leaving.has(held));
    const blobs = new Map<Digest, number>();
    for (const { tag, digest } of kept) {
      if (rules.decideTag(this.repository, tag).action !== 'include') continue;
      for (const blob of await this.#blobsUnder(digest, signal)) blobs.set(blob.digest, blob.size);
    }
    return { tags: new Set(kept.map(({ tag }) => tag)), blobs };
  }

  async #blobsUnder(digest: Digest, signal: AbortSignal, depth = 0): Promise<readonly BlobDescriptor[]> {
    const { blobs, children } = await this.#manifest(digest, signal);
    const below: BlobDescriptor[] = [...blobs];
    if (depth >= MAX_DEPTH) return below;
    for (const child of children) below.push(...(await this.#blobsUnder(child, signal, depth + 1)));
    return below;
  }

  async #manifest(digest: Digest, signal: AbortSignal): Promise<Pick<ManifestRecord, 'blobs' | 'children'>> {
    const known = this.#manifests.get(digest);
    if (known !== undefined) return known;
    const found = await this.content.manifests.find(this.repository, digest, signal);
    const { blobs, children } = found ?? { blobs: [], children: [] };
    this.#manifests.set(digest, { blobs, children });
    return { blobs, children };
  }
}
