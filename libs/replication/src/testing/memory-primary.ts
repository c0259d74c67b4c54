import { Readable } from 'node:stream';
import {
  type Change,
  type Entry,
  ObjectStoreJournal,
  ObjectStoreJournalReader,
  type SnapshotHeader,
  Snapshots,
} from '#libs/journal';
import { noGuard } from '#libs/journal/testing';
import { type BlobDescriptor, type Digest, digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { applyEntry, openRegionContent, type RegionContent, takeSnapshot } from '#libs/registry';
import type { Clock, Random } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';

const signal = new AbortController().signal;
export const repository = parseRepositoryName('team/app');

/** A primary in this process: a journal and what it made of its bucket, without HTTP before it. */
export class MemoryPrimary {
  private constructor(
    readonly store: MemoryObjectStore,
    readonly content: RegionContent,
    readonly reader: ObjectStoreJournalReader,
    readonly journal: ObjectStoreJournal,
  ) {}

  static async open(clock: Clock, random: Random): Promise<MemoryPrimary> {
    const store = new MemoryObjectStore({ clock });
    const content = openRegionContent({ store, clock, random });
    const reader = await ObjectStoreJournalReader.open({ store, clock }, 0, signal);
    const apply = (entry: Entry, applying: AbortSignal) => applyEntry(content, entry, applying);
    const onRetry = () => undefined;
    return new MemoryPrimary(
      store,
      content,
      reader,
      new ObjectStoreJournal({ store, reader, clock, random, apply, epoch: 1, onRetry }),
    );
  }

  async blob(text: string): Promise<BlobDescriptor> {
    const bytes = Buffer.from(text);
    const blob = { digest: digestOf(bytes), size: bytes.length };
    await this.content.blobs.ingest(blob, Readable.from([bytes]), signal);
    return blob;
  }

  /** A manifest's content is not looked at here: what it needs is what the entry says. */
  manifest(text: string, needs: { readonly blobs?: readonly BlobDescriptor[]; readonly children?: readonly Digest[] }) {
    return {
      type: 'manifest.put',
      repository,
      digest: digestOf(text),
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      content: text,
      blobs: needs.blobs ?? [],
      children: needs.children ?? [],
    } as const;
  }

  append(change: Change): Promise<Entry> {
    return this.journal.append(change, noGuard, signal);
  }

  /** An image of some blobs, under a tag. */
  async image(name: string, blobs: readonly BlobDescriptor[], ...tags: readonly string[]): Promise<Digest> {
    const change = { ...this.manifest(`image ${name}`, { blobs }), tags: tags.map(parseTag) };
    await this.append(change);
    return change.digest;
  }

  async index(name: string, children: readonly Digest[], ...tags: readonly string[]): Promise<Digest> {
    const change = { ...this.manifest(`index ${name}`, { children }), tags: tags.map(parseTag) };
    await this.append(change);
    return change.digest;
  }

  async deleteManifest(digest: Digest, ...tags: readonly string[]): Promise<void> {
    await this.append({ type: 'manifest.delete', repository, digest, tags: tags.map(parseTag) });
  }

  snapshot(): Promise<SnapshotHeader> {
    const { store, content, journal } = this;
    const random = new SeededRandom(journal.head.seq);
    return takeSnapshot({ content, journal, snapshots: new Snapshots(store), random, nowMs: 1 }, signal);
  }

  close(): Promise<void> {
    return this.journal.close();
  }
}
