import type { Readable } from 'node:stream';
import { parseRegionName } from '#libs/geo';
import { type SnapshotSource, Snapshots } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import { type JournalMessage, type PeerClient, PeerError } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import type { ByteRange } from '#libs/storage';
import { type JournalSource, localJournalSource } from '../journal-source.js';
import type { MemoryPrimary } from './memory-primary.js';

/** What a replica's replicator asks of the primary, over a link that can be cut, and blobs that can be withheld. */
export class PrimaryLink implements Pick<PeerClient, 'region' | 'openBlob'>, JournalSource {
  readonly region = parseRegionName('primary');
  readonly withheld = new Set<Digest>();
  /** Blobs whose bytes do not come until they are taken out. */
  readonly stuck = new Set<Digest>();
  /** What the journal says behind that place does not come, until that is further on. */
  heldAfter = Number.POSITIVE_INFINITY;
  /** So many times the primary cannot say which snapshot is its newest. */
  snapshotFailures = 0;
  /** Every time that a blob was opened here. */
  readonly opened: Digest[] = [];
  #cut = new AbortController();

  constructor(
    private readonly primary: MemoryPrimary,
    private readonly clock: Clock,
  ) {}

  origin(signal: AbortSignal): Promise<number> {
    return this.primary.reader.cutOff(signal);
  }

  get snapshots(): SnapshotSource {
    const snapshots = new Snapshots(this.primary.store);
    return {
      newest: async (signal) => {
        if (this.snapshotFailures === 0) return snapshots.newest(signal);
        this.snapshotFailures -= 1;
        throw new PeerError('unavailable', this.region, 'its store does not answer');
      },
      part: (seq, name, signal) => snapshots.part(seq, name, signal),
    };
  }

  cut(): void {
    this.#cut.abort(new PeerError('unreachable', this.region, 'the link is cut'));
  }

  heal(): void {
    this.#cut = new AbortController();
  }

  async *journal(after: number, signal: AbortSignal): AsyncGenerator<JournalMessage> {
    const linked = AbortSignal.any([signal, this.#cut.signal]);
    linked.throwIfAborted();
    if (after < (await this.primary.reader.cutOff(linked))) throw new PeerError('gone', this.region, 'cut off');
    const placed = await this.primary.content.policies.current(linked);
    if (placed !== undefined) yield { kind: 'policy', ...placed };
    for await (const message of localJournalSource(this.primary.reader, this.clock).journal(after, linked)) {
      while (message.kind === 'entry' && message.entry.seq > this.heldAfter) await this.clock.sleep(100, linked);
      yield message;
    }
  }

  async openBlob(
    digest: Digest,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<{ readonly size: number; readonly body: Readable } | undefined> {
    this.#cut.signal.throwIfAborted();
    const { blobs } = this.primary.content;
    const record = this.withheld.has(digest) ? undefined : await blobs.stat(digest, signal);
    if (record === undefined) return undefined;
    this.opened.push(digest);
    while (this.stuck.has(digest)) await this.clock.sleep(100, signal);
    return { size: record.size, body: await blobs.open(record, range, signal) };
  }

  async isDeleted(
    { repository, digest }: { readonly repository: RepositoryName; readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<boolean> {
    this.#cut.signal.throwIfAborted();
    return (await this.primary.content.manifests.find(repository, digest, signal)) === undefined;
  }

  /** As the whole port: what a replicator does not ask for is not there. */
  get client(): PeerClient {
    return this as unknown as PeerClient;
  }
}
