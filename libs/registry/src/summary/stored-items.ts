import type { SummaryItem } from '#libs/journal';
import { type Digest, parseDigest, type RepositoryName, type Tag } from '#libs/oci';
import { keys, type ObjectStat, type ObjectStore, partsOfKey } from '#libs/storage';
import { CompactSet } from '../gc/compact-set.js';
import { linkKind } from '../links.js';
import type { RegionContent } from '../region-content.js';
import type { Pace } from '../scrub/pace.js';
import { allObjects } from '../upkeep/all-objects.js';
import type { HoldsBlob } from './held-blobs.js';
import type { StoredStates } from './stored-states.js';

/** States read side by side: enough to hide the store's latency, few enough to leave it to clients. */
const AT_ONCE = 16;

export interface StoredItemsOptions {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly states: StoredStates;
  readonly holdsBlob: HoldsBlob;
  /** Whether the region wants the blobs of what it shows of the repository; otherwise none is missing. */
  readonly wantsBlobs: boolean;
  /** Of objects. */
  readonly pace: Pick<Pace, 'passed'>;
}

/** What this region holds of a repository, in order, with flat memory: a page of each listing at a time. */
export async function* storedItems(
  options: StoredItemsOptions,
  repository: RepositoryName,
  signal: AbortSignal,
): AsyncGenerator<SummaryItem> {
  if (await options.content.catalog.has(repository, signal)) yield { kind: 'repository', seq: 0, live: true };
  yield* manifests(options, repository, signal);
  yield* referrers(options, repository, signal);
  yield* tags(options, repository, signal);
}

async function* manifests(options: StoredItemsOptions, repository: RepositoryName, signal: AbortSignal) {
  const unlinked = await unlinkedBlobs(options, repository, signal);
  yield* eachOf(options, keys.manifestsOf(repository), signal, async (object): Promise<SummaryItem[]> => {
    const { digest } = partsOfKey(object.key);
    const state = await options.states.manifest(object, repository, digest, signal);
    if (state === undefined) return [];
    const missing: Digest[] = [];
    for (const blob of options.wantsBlobs ? state.blobs : []) {
      if ((await unlinked(blob)) || !(await options.holdsBlob(blob, signal))) missing.push(blob);
    }
    return [{ kind: 'manifest', digest, seq: state.seq, live: state.live, missing: missing.sort() }];
  });
}

/** A link that ended did so by an entry; one that never was is a hole, and one that is too short to hold is looked at. */
async function unlinkedBlobs({ store, content }: StoredItemsOptions, repository: RepositoryName, signal: AbortSignal) {
  const linked = new CompactSet();
  for await (const page of allObjects(store, keys.linksOf(repository), signal)) {
    for (const { key, size } of page) if (linkKind(size) !== 'ended') linked.add(partsOfKey(key).digest);
  }
  return async (digest: Digest): Promise<boolean> =>
    !linked.has(digest) && (await content.links.isMissing(repository, digest, signal));
}

async function* referrers(options: StoredItemsOptions, repository: RepositoryName, signal: AbortSignal) {
  const prefix = keys.referrersOf(repository);
  yield* eachOf(options, prefix, signal, async (object): Promise<SummaryItem[]> => {
    const subject = parseDigest(object.key.slice(prefix.length));
    const list = (await options.states.referrers(object, repository, subject, signal)) ?? [];
    return list.map(({ digest, seq, descriptor }) => ({
      kind: 'referrer',
      ...{ subject, digest, seq, live: descriptor !== undefined },
    }));
  });
}

async function* tags(options: StoredItemsOptions, repository: RepositoryName, signal: AbortSignal) {
  const prefix = keys.tagPrefix(repository);
  yield* eachOf(options, prefix, signal, async (object): Promise<SummaryItem[]> => {
    const tag = object.key.slice(prefix.length) as Tag;
    const state = await options.states.tag(object, repository, tag, signal);
    return state === undefined ? [] : [{ kind: 'tag', tag, ...state }];
  });
}

/** In the order of the listing, whichever is read first. */
async function* eachOf(
  { store, pace }: StoredItemsOptions,
  prefix: string,
  signal: AbortSignal,
  look: (object: ObjectStat) => Promise<readonly SummaryItem[]>,
): AsyncGenerator<SummaryItem> {
  for await (const page of allObjects(store, prefix, signal)) {
    for (let start = 0; start < page.length; start += AT_ONCE) {
      const group = page.slice(start, start + AT_ONCE);
      const found = await Promise.all(group.map(look));
      await pace.passed(group.length, signal);
      yield* found.flat();
    }
  }
}
