import type { JournalReader } from '#libs/journal';
import { type Digest, type Reference, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import { keys } from '#libs/storage';
import type { BlobRecord } from './blob-records.js';
import type { PullableManifest } from './pull.js';
import type { ReadIndex } from './read-index.js';
import type { RegionContent } from './region-content.js';
import { isWhole, type RegionReader, type ResolvedTag, resolvedTag } from './region-reader.js';
import type { SeqCache } from './seq-cache.js';
import type { Sequenced } from './seq-register.js';

const DAMAGED = { message: 'the manifest is damaged in the store; a scrub restores it' };

/** Looks for the journal's end, once per question however much of it is answered from memory. */
type Confirm = () => Promise<unknown>;

/**
 * What a digest names never changes, so only its deletion through another process of the region can be missed, and for no
 * longer than this. An image's layers are asked for moments after its tag: they cost the store nothing more.
 */
export const DIGEST_AGE_MS = 50;

/**
 * Reading at the primary. All changes are entries of the journal, so what was read before is still true if the journal
 * has not moved on; a look at the slot after its head tells, and everybody who asks at the same time shares that look.
 * An absent slot means that nothing newer was committed when the look began. For a tag it begins after the question came: the
 * answer is linearizable over all processes, with no lease and no clock. For a digest it may have begun {@link DIGEST_AGE_MS}
 * before. What is not known is read from the store.
 */
export class IndexedReader implements RegionReader {
  constructor(
    private readonly content: RegionContent,
    private readonly index: ReadIndex,
    private readonly journal: Pick<JournalReader, 'refresh' | 'refreshWithin'>,
    private readonly digestAgeMs = DIGEST_AGE_MS,
  ) {}

  async manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    if (reference.kind === 'digest') {
      return this.#manifest(repository, reference.digest, this.#recent(signal), signal);
    }
    for (let before: ResolvedTag | undefined; ; ) {
      const confirm = this.#confirmation(signal);
      const resolved = await this.#tag(repository, reference.tag, confirm, signal);
      if (resolved === undefined) return undefined;
      const found = await this.#manifest(repository, resolved.digest, confirm, signal);
      if (found !== undefined) return { ...found, ...resolved };
      // A manifest that was deleted had no tag any more: this one has moved, and was never absent.
      if (resolved.tagSeq === before?.tagSeq) return undefined;
      before = resolved;
    }
  }

  #manifest(
    repository: RepositoryName,
    digest: Digest,
    confirm: Confirm,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    return known(this.index.manifests, keys.manifest(repository, digest), confirm, async () => {
      const state = await this.content.manifests.state(repository, digest, signal);
      if (state?.value === undefined) return undefined;
      const { mediaType, content } = state.value;
      // It is in the registry, so it must not look absent.
      if (!isWhole(digest, content)) throw new RegistryError('UNAVAILABLE', { digest }, DAMAGED);
      return { seq: state.seq, value: { digest, mediaType, content, source: 'local' as const } };
    });
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<BlobRecord | undefined> {
    const { content, index } = this;
    const confirm = this.#recent(signal);
    const [linked, record] = await Promise.all([
      known(index.links, keys.link(repository, digest), confirm, () => content.links.state(repository, digest, signal)),
      // Records have no place in the journal: before the first entry, so that any entry that names one outdates it.
      known(index.blobs, keys.blob(digest), confirm, async () => ({
        seq: 0,
        value: await content.blobs.stat(digest, signal),
      })),
    ]);
    return linked ? record : undefined;
  }

  #tag(repository: RepositoryName, tag: Tag, confirm: Confirm, signal: AbortSignal): Promise<ResolvedTag | undefined> {
    return known(this.index.tags, keys.tag(repository, tag), confirm, async () =>
      resolvedTag(await this.content.tags.get(repository, tag, signal)),
    );
  }

  #confirmation(signal: AbortSignal): Confirm {
    return once(() => this.journal.refresh(signal));
  }

  #recent(signal: AbortSignal): Confirm {
    return once(() => this.journal.refreshWithin(this.digestAgeMs, signal));
  }
}

function once(begin: Confirm): Confirm {
  let look: Promise<unknown> | undefined;
  return () => {
    look ??= begin();
    return look;
  };
}

/** From memory, if it is still there once it is certain that memory is up to date; else from the store. */
async function known<T>(
  cache: SeqCache<T>,
  key: string,
  confirm: Confirm,
  load: () => Promise<Sequenced<T> | undefined>,
): Promise<T | undefined> {
  if (cache.get(key) === undefined) return cache.fill(key, load);
  await confirm();
  return cache.get(key) ?? cache.fill(key, load);
}
