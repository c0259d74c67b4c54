import type { Journal, Position, SnapshotHeader, SnapshotManifest, SnapshotRecord, Snapshots } from '#libs/journal';
import type { Digest, RepositoryName, Tag } from '#libs/oci';
import type { Random } from '#libs/resilience';
import { CompactSet } from '../gc/compact-set.js';
import type { ManifestRecord } from '../manifests.js';
import type { RegionContent } from '../region-content.js';
import { forEachOf } from '../upkeep/all-objects.js';
import { SnapshotPartWriter } from './part-writer.js';

export interface TakeSnapshotOptions {
  readonly content: RegionContent;
  readonly journal: Pick<Journal, 'settled'>;
  readonly snapshots: Snapshots;
  readonly random: Random;
  readonly nowMs: number;
}

type TagPlace = { readonly tag: Tag; readonly seq: number };

/**
 * The journal up to where it is applied now, without what later entries made void: read out of the views that those
 * entries made. The views move on meanwhile. What they say at a later place is left out, or said to be of this place: the
 * journal's tail says it again, and no view goes back. A manifest that is live now was not live at that place, or was:
 * it is taken in either way, for a tag of before may point at it; a manifest that is gone now is left out, for the tail has its
 * delete, and with it those of its tags.
 */
export async function takeSnapshot(options: TakeSnapshotOptions, signal: AbortSignal): Promise<SnapshotHeader> {
  const position = await options.journal.settled(signal);
  const snapshot = new RunningSnapshot(options, position);
  // Before the first entry nothing has a place.
  if (position.seq === 0) return snapshot.finish(signal);
  await snapshot.addPolicy(signal);
  for await (const repositories of options.content.catalog.all(signal)) {
    for (const repository of repositories) await snapshot.addRepository(repository, signal);
  }
  return snapshot.finish(signal);
}

class RunningSnapshot {
  readonly #parts: SnapshotPartWriter;
  readonly #blobs = new CompactSet();
  #images = 0;
  #bytes = 0;

  constructor(
    private readonly options: TakeSnapshotOptions,
    private readonly position: Position,
  ) {
    const { snapshots, random } = options;
    this.#parts = new SnapshotPartWriter(snapshots, { seq: position.seq, writer: random.uuid() });
  }

  async addPolicy(signal: AbortSignal): Promise<void> {
    const placed = await this.options.content.policies.current(signal);
    if (placed === undefined || placed.seq > this.position.seq) return;
    const { epoch, timeMs } = this.position;
    await this.#add({ kind: 'entry', entry: { type: 'policy.put', ...placed, epoch, timeMs } }, signal);
  }

  /** Tags before manifests: a manifest that is found gone took the tags with it that were read before. */
  async addRepository(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    await this.#add({ kind: 'repository', repository }, signal);
    const tags = await this.#tagsOf(repository, signal);
    const needed = await this.#addManifests(repository, tags, signal);
    await this.#addEndedLinks(repository, needed, signal);
  }

  async finish(signal: AbortSignal): Promise<SnapshotHeader> {
    const parts = await this.#parts.finish(signal);
    const { position, options } = this;
    const header = { position, takenMs: options.nowMs, images: this.#images, bytes: this.#bytes, parts };
    await options.snapshots.finish(header, signal);
    return header;
  }

  /** Where the repository's tags point: in memory, those of one repository at a time. */
  async #tagsOf(repository: RepositoryName, signal: AbortSignal): Promise<ReadonlyMap<Digest, readonly TagPlace[]>> {
    const { tags } = this.options.content;
    const found = new Map<Digest, TagPlace[]>();
    for await (const page of tags.all(repository, signal)) {
      await forEachOf(page, async (tag) => {
        const state = await tags.get(repository, tag, signal);
        if (state?.value === undefined || state.seq > this.position.seq) return;
        const places = found.get(state.value) ?? [];
        found.set(state.value, places);
        places.push({ tag, seq: state.seq });
      });
    }
    return found;
  }

  /** @returns the blobs that they need */
  async #addManifests(
    repository: RepositoryName,
    tags: ReadonlyMap<Digest, readonly TagPlace[]>,
    signal: AbortSignal,
  ): Promise<CompactSet> {
    const { content } = this.options;
    const needed = new CompactSet();
    for await (const page of content.manifests.digests(repository, signal)) {
      await forEachOf(page, async (digest) => {
        const state = await content.manifests.state(repository, digest, signal);
        if (state?.value === undefined) return;
        this.#count(state.value, needed);
        const entry = this.#entry(repository, digest, state.seq, state.value);
        await this.#add({ kind: 'image', entry, tags: tags.get(digest) ?? [] }, signal);
      });
    }
    return needed;
  }

  /** A blob may have been taken from the repository although a manifest of it names it. */
  async #addEndedLinks(repository: RepositoryName, needed: CompactSet, signal: AbortSignal): Promise<void> {
    const { content } = this.options;
    const { epoch, timeMs } = this.position;
    for await (const page of content.links.digests(repository, true, signal)) {
      for (const digest of page.filter((each) => needed.has(each))) {
        const state = await content.links.inspect(repository, digest, signal);
        if (state === undefined || state.value !== undefined || state.seq > this.position.seq) continue;
        const entry = { type: 'blob.delete', repository, digest, seq: state.seq, epoch, timeMs } as const;
        await this.#add({ kind: 'entry', entry }, signal);
      }
    }
  }

  #count({ blobs }: ManifestRecord, needed: CompactSet): void {
    this.#images += 1;
    for (const { digest, size } of blobs) {
      needed.add(digest);
      if (!this.#blobs.has(digest)) this.#bytes += size;
      this.#blobs.add(digest);
    }
  }

  #entry(repository: RepositoryName, digest: Digest, seq: number, record: ManifestRecord): SnapshotManifest {
    const { content, ...manifest } = record;
    const { epoch, timeMs } = this.position;
    const place = { seq: Math.min(seq, this.position.seq), epoch, timeMs };
    const text = Buffer.from(content).toString();
    return { type: 'manifest.put', repository, digest, ...manifest, content: text, tags: [], ...place };
  }

  #add(record: SnapshotRecord, signal: AbortSignal): Promise<void> {
    return this.#parts.add(record, signal);
  }
}
