import {
  type Entry,
  isRepositoryChange,
  type LinkPlace,
  type ManifestEntry,
  type ManifestPut,
  type SummaryItem,
  type SummarySource,
} from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import type { RegionContent } from '#libs/registry';
import { clearRegister } from './clear-register.js';
import type { Difference } from './difference.js';

/** Indexes inside indexes: deeper than any client makes them, and bounded. */
const MAX_DEPTH = 8;

export interface MenderOptions {
  readonly content: RegionContent;
  readonly primary: SummarySource;
  /** What this region holds, by its bucket. */
  readonly local: SummarySource;
  /**
   * Applies an entry of the past once more, as the replicator does: by the policy, and when all that it needs is here.
   * Resolves when that is done.
   */
  readonly apply: (entry: Entry, signal: AbortSignal) => Promise<void>;
  /** The entry at a place; `undefined`: the journal does not tell any more, or there is none. */
  readonly entryAt: (seq: number, signal: AbortSignal) => Promise<Entry | 'gone' | undefined>;
}

type Item<K extends SummaryItem['kind']> = Extract<SummaryItem, { readonly kind: K }>;

/**
 * Makes one thing of a region what it is at the primary. What is wrong is taken away first, by condition: it must be what was
 * seen. Then the entry that is missing is applied again, at its own place in the order: so an entry that comes meanwhile
 * prevails, and nothing is shown before its blobs are here.
 */
export class Mender {
  constructor(private readonly options: MenderOptions) {}

  /** @returns whether it is right now; false: it cannot be, or has changed meanwhile */
  async mend(difference: Difference, signal: AbortSignal): Promise<boolean> {
    const { kind, expected, found, repository } = difference;
    if (kind === 'primary') return false;
    if (kind === 'excluded')
      return found !== undefined && this.#take(repository, found, { seq: found.seq, evicted: true }, signal);
    if (await this.#primaryForgot(difference, signal)) return false;
    if (kind === 'extra') return found !== undefined && this.#remove(repository, expected, found, signal);
    switch (expected?.kind) {
      case 'repository':
        await this.options.content.catalog.add(repository, signal);
        return true;
      case 'manifest':
        return this.#manifest(repository, expected, found, signal);
      case 'referrer':
        return this.#referrer(repository, expected, found, signal);
      case 'tag':
        return this.#tag(repository, expected, found, signal);
      default:
        return false;
    }
  }

  /** What the region has of a later entry than the primary: the journal says which of the two is wrong. */
  async #primaryForgot({ repository, expected, found }: Difference, signal: AbortSignal): Promise<boolean> {
    if (found === undefined || found.kind === 'repository' || found.seq <= (expected?.seq ?? 0)) return false;
    const entry = await this.options.entryAt(found.seq, signal);
    return entry === 'gone' || (entry !== undefined && makes(entry, repository, found));
  }

  async #manifest(
    repository: RepositoryName,
    expected: Item<'manifest'>,
    found: SummaryItem | undefined,
    signal: AbortSignal,
    depth = 0,
  ): Promise<boolean> {
    const entry = await this.#entryOf(repository, expected.digest, signal);
    if (entry === undefined || entry.seq !== expected.seq) return false;
    const { seq } = entry;
    const right = found?.kind === 'manifest' && found.live && found.seq === seq;
    if (!right && !(await this.#makeWay(repository, found, seq, signal))) return false;
    if (depth < MAX_DEPTH) await this.#children(repository, entry, signal, depth);
    await this.#apply(entry, signal);
    return true;
  }

  /** What an index leads to is shown before it. */
  async #children(repository: RepositoryName, entry: ManifestEntry, signal: AbortSignal, depth: number): Promise<void> {
    for (const digest of entry.type === 'manifest.put' ? entry.children : []) {
      const here = await this.options.content.manifests.inspect(repository, digest, signal);
      if (here !== undefined) continue; // Live, it is here; otherwise it is a difference of its own.
      const child = await this.#entryOf(repository, digest, signal);
      if (child === undefined) continue;
      const expected = { kind: 'manifest', digest, seq: child.seq, live: true, missing: [] } as const;
      await this.#manifest(repository, expected, undefined, signal, depth + 1);
    }
  }

  /** The manifest's own entry says what it refers to. */
  async #referrer(
    repository: RepositoryName,
    expected: Item<'referrer'>,
    found: SummaryItem | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const entry = await this.#entryOf(repository, expected.digest, signal);
    if (entry === undefined || entry.seq !== expected.seq) return false;
    const next = { seq: entry.seq, evicted: true } as const;
    if (!(await this.#take(repository, found ?? expected, next, signal))) return false;
    await this.#apply(entry, signal);
    return true;
  }

  async #tag(
    repository: RepositoryName,
    expected: Item<'tag'>,
    found: SummaryItem | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { tag, seq, digest } = expected;
    if (digest === undefined) return false;
    const entry = await this.#entryOf(repository, digest, signal);
    const { content } = this.options;
    // A manifest that is not here yet is a difference of its own, which came before this one.
    if (entry === undefined || (await content.manifests.find(repository, digest, signal)) === undefined) return false;
    if (!(await this.#makeWay(repository, found, seq, signal))) return false;
    await this.#apply({ ...entry, seq, tags: [tag] }, signal);
    return true;
  }

  async #apply(entry: Entry & ManifestPut, signal: AbortSignal): Promise<void> {
    await this.#restoreLinks(entry, signal);
    await this.options.apply(entry, signal);
  }

  /**
   * A link may have its place from an entry that no manifest is left of, or have ended: no manifest that is applied again would
   * bring it there. Of what is still on its way here, only that manifest speaks.
   */
  async #restoreLinks({ repository, digest, blobs, seq }: Entry & ManifestPut, signal: AbortSignal): Promise<void> {
    const { content, primary, local } = this.options;
    const lost = new Set<Digest>();
    for (const blob of blobs) if (await content.links.isMissing(repository, blob.digest, signal)) lost.add(blob.digest);
    if (lost.size === 0) return;
    const places = new Map<Digest, LinkPlace>();
    for await (const place of primary.links(repository, digest, signal)) places.set(place.digest, place);
    const upTo = await local.upTo(signal);
    for (const blob of lost) {
      const place = places.get(blob);
      const known = place !== undefined && place.seq <= upTo ? place : { seq, live: true };
      await content.links.restore(repository, blob, known, signal);
    }
  }

  /** A deletion leaves a trace at the primary; what it never had stays deleted at the place that it claims. */
  #remove(
    repository: RepositoryName,
    expected: SummaryItem | undefined,
    found: SummaryItem,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (found.kind === 'repository') return this.#forget(repository, signal);
    return this.#take(repository, found, { seq: expected?.seq ?? found.seq }, signal);
  }

  /** A repository of which neither region has anything. */
  async #forget(repository: RepositoryName, signal: AbortSignal): Promise<boolean> {
    const { content, primary } = this.options;
    for await (const _ of primary.items(repository, undefined, signal)) return false;
    for await (const page of content.manifests.digests(repository, signal)) if (page.length > 0) return false;
    await content.catalog.remove(repository, signal);
    return true;
  }

  /** What is there must not outvote the entry that is to set it. */
  async #makeWay(
    repository: RepositoryName,
    found: SummaryItem | undefined,
    seq: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (found === undefined || (found.seq > 0 && found.seq < seq)) return true;
    return this.#take(repository, found, { seq, evicted: true }, signal);
  }

  #take(
    repository: RepositoryName,
    found: SummaryItem,
    next: { readonly seq: number; readonly evicted?: true },
    signal: AbortSignal,
  ): Promise<boolean> {
    return clearRegister(this.options.content, repository, found, next, signal);
  }

  async #entryOf(repository: RepositoryName, digest: Digest, signal: AbortSignal) {
    const entry = await this.options.primary.manifest(repository, digest, signal);
    return entry?.type === 'manifest.put' ? entry : undefined;
  }
}

/** Whether an entry of the journal made the thing what it is. */
function makes(entry: Entry, repository: RepositoryName, item: SummaryItem): boolean {
  if (!isRepositoryChange(entry) || entry.repository !== repository || entry.type === 'blob.delete') return false;
  if (item.kind === 'tag') {
    const tags = entry.type === 'tag.delete' ? [entry.tag] : entry.tags;
    const digest = entry.type === 'manifest.put' ? entry.digest : undefined;
    return tags.includes(item.tag) && item.digest === digest;
  }
  if (item.kind === 'repository' || entry.type === 'tag.delete') return false;
  return entry.digest === item.digest && item.live === (entry.type === 'manifest.put');
}
