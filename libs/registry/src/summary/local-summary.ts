import { createHash } from 'node:crypto';
import { compileGlob, type Glob, type RegionName, RegionRules } from '#libs/geo';
import {
  type Bucket,
  bucketOf,
  type LinkPlace,
  type ManifestEntry,
  type RegionSummary,
  type RehashedObject,
  type RepositorySummary,
  type SummaryItem,
  type SummarySource,
} from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import type { ObjectStore } from '#libs/storage';
import type { RegionContent } from '../region-content.js';
import { isWhole } from '../region-reader.js';
import { Pace } from '../scrub/pace.js';
import { forEachOf } from '../upkeep/all-objects.js';
import { BucketDigests, digestFrom, digestOfBuckets } from './bucket-digests.js';
import { type HoldsBlob, listHeldBlobs, lookForBlobs } from './held-blobs.js';
import type { KnownBuckets } from './known-buckets.js';
import { rehashRepositories } from './rehash.js';
import { storedItems } from './stored-items.js';
import { StoredStates } from './stored-states.js';

export interface LocalSummaryOptions {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  /** A replica, whose share the policy says; `undefined` for the primary. */
  readonly region?: RegionName;
  /** Up to where everything is applied in this region's bucket; asked before each look at it. */
  readonly upTo: (signal: AbortSignal) => Promise<{ readonly seq: number; readonly epoch: number }>;
  /** Without it everything is made of the store each time. */
  readonly known?: KnownBuckets;
  readonly objectsPerSecond: number;
  /** Of blobs that are read again. */
  readonly rateBytesPerSecond: number;
  readonly clock: Clock;
}

/** What this region holds, as its bucket says it. */
export class LocalSummary implements SummarySource {
  readonly #states: StoredStates;
  readonly #pace: Pace;

  constructor(
    private readonly options: LocalSummaryOptions,
    states?: StoredStates,
  ) {
    this.#states = states ?? new StoredStates(options.content);
    this.#pace = new Pace(options.objectsPerSecond, options.clock);
  }

  /** The same, but made of the store each time it is asked. */
  get afresh(): LocalSummary {
    const { known: _, ...options } = this.options;
    return new LocalSummary(options, this.#states);
  }

  async upTo(signal: AbortSignal): Promise<number> {
    return (await this.options.upTo(signal)).seq;
  }

  async region(position: number, signal: AbortSignal): Promise<RegionSummary> {
    const { seq: upTo } = await this.options.upTo(signal);
    const hash = createHash('sha256');
    let repositories = 0;
    for await (const { repository, digest } of this.repositories(position, signal)) {
      hash.update(`${repository} ${digest}\n`);
      repositories += 1;
    }
    return { digest: digestFrom(hash), repositories, upTo };
  }

  async *repositories(position: number, signal: AbortSignal): AsyncGenerator<RepositorySummary> {
    const { store, content } = this.options;
    await this.options.upTo(signal);
    let holdsBlob: Promise<HoldsBlob> | undefined;
    // Not before something has to be made anew: what is known needs no listing.
    const held: HoldsBlob = async (digest, looking) => {
      holdsBlob ??= listHeldBlobs(store, this.#states, signal);
      return (await holdsBlob)(digest, looking);
    };
    const rules = await this.#rules(signal);
    for await (const page of content.catalog.all(signal)) {
      for (const repository of page) {
        const buckets = await this.#buckets(repository, { position, rules, holdsBlob: held }, signal);
        yield { repository, digest: digestOfBuckets(buckets) };
      }
    }
  }

  async buckets(
    repository: RepositoryName,
    position: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Bucket, Digest>> {
    await this.options.upTo(signal);
    const holdsBlob = lookForBlobs(this.options.store, this.#states);
    return this.#buckets(repository, { position, rules: await this.#rules(signal), holdsBlob }, signal);
  }

  async *items(
    repository: RepositoryName,
    buckets: ReadonlySet<Bucket> | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<SummaryItem> {
    await this.options.upTo(signal);
    const holdsBlob = lookForBlobs(this.options.store, this.#states);
    for await (const item of this.#items(repository, { rules: await this.#rules(signal), holdsBlob }, signal)) {
      if (buckets === undefined || buckets.has(bucketOf(item))) yield item;
    }
  }

  async manifest(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ManifestEntry | undefined> {
    const { content, upTo } = this.options;
    const { epoch } = await upTo(signal);
    const found = await content.manifests.inspect(repository, digest, signal);
    if (found?.state === undefined || found.state.evicted === true) return undefined;
    const { seq, value } = found.state;
    if (value !== undefined && !isWhole(digest, value.content)) return undefined;
    const at = { seq, epoch: Math.max(1, epoch), timeMs: 0, repository, digest, tags: [] } as const;
    if (value === undefined) return { type: 'manifest.delete', ...at };
    const { content: bytes, ...record } = value;
    return { type: 'manifest.put', ...record, content: Buffer.from(bytes).toString(), ...at };
  }

  async *links(repository: RepositoryName, manifest: Digest, signal: AbortSignal): AsyncGenerator<LinkPlace> {
    const { content, upTo } = this.options;
    await upTo(signal);
    const found = await content.manifests.find(repository, manifest, signal);
    const places: LinkPlace[] = [];
    await forEachOf(found?.blobs ?? [], async ({ digest }) => {
      const link = await content.links.inspect(repository, digest, signal);
      if (link === undefined || link.evicted !== undefined || !Number.isInteger(link.seq)) return;
      places.push({ digest, seq: link.seq, live: link.value !== undefined });
    });
    yield* places;
  }

  rehash(repositories: Glob | undefined, signal: AbortSignal): AsyncGenerator<RehashedObject> {
    const { store, content, clock, rateBytesPerSecond } = this.options;
    const parts = { store, content, clock, pace: new Pace(rateBytesPerSecond, clock) };
    return rehashRepositories(parts, repositories === undefined ? () => true : compileGlob(repositories), signal);
  }

  #buckets(
    repository: RepositoryName,
    look: { readonly position: number; readonly rules: RegionRules; readonly holdsBlob: HoldsBlob },
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Bucket, Digest>> {
    const make = async () => {
      const digests = new BucketDigests(look.position);
      for await (const item of this.#items(repository, look, signal)) digests.add(item);
      return { buckets: digests.finish(), newest: digests.newest };
    };
    return this.options.known?.get(repository, look.position, make) ?? make().then(({ buckets }) => buckets);
  }

  #items(
    repository: RepositoryName,
    { rules, holdsBlob }: { readonly rules: RegionRules; readonly holdsBlob: HoldsBlob },
    signal: AbortSignal,
  ): AsyncGenerator<SummaryItem> {
    const { store, content } = this.options;
    const wantsBlobs = !rules.touches(repository);
    const [states, pace] = [this.#states, this.#pace];
    return storedItems({ store, content, states, pace, holdsBlob, wantsBlobs }, repository, signal);
  }

  async #rules(signal: AbortSignal): Promise<RegionRules> {
    const { content, region } = this.options;
    const policy = await content.policies.current(signal);
    return new RegionRules(policy?.policy ?? { rules: [] }, region);
  }
}
