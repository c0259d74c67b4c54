import { Readable } from 'node:stream';
import type { RegionName } from '#libs/geo';
import type { SnapshotSource, SummarySource } from '#libs/journal';
import {
  type BlobDescriptor,
  type Digest,
  digestOf,
  formatReference,
  type Reference,
  type RepositoryName,
} from '#libs/oci';
import type { ByteRange } from '#libs/storage';
import {
  type ImageName,
  type ImagePresence,
  type JournalMessage,
  type PeerClient,
  PeerError,
  type PeerManifest,
  type RegionStatus,
} from '../index.js';
import type { MemoryRegion } from './memory-region.js';

/** Another region in this process, over data alone. `reachable` is the link to it. */
export class MemoryPeerClient implements PeerClient {
  reachable = true;

  constructor(private readonly remote: MemoryRegion) {}

  get region(): RegionName {
    return this.remote.state.region;
  }

  /** Nothing is held, and nothing was ever applied. */
  readonly summary: SummarySource = {
    upTo: async () => 0,
    region: async () => ({ digest: digestOf(''), repositories: 0, upTo: 0 }),
    repositories: () => nothing(),
    buckets: async () => new Map(),
    items: () => nothing(),
    manifest: async () => undefined,
    links: () => nothing(),
    rehash: () => nothing(),
  };

  readonly snapshots: SnapshotSource = { newest: async () => undefined, part: async () => undefined };

  /** Ends after what there is, as a peer that closes. */
  async *journal(after: number, signal: AbortSignal): AsyncGenerator<JournalMessage> {
    this.#reach(signal);
    for (const message of this.remote.messages) {
      signal.throwIfAborted();
      const seq = message.kind === 'entry' ? message.entry.seq : Number.POSITIVE_INFINITY;
      if (seq > after) yield message;
    }
  }

  async openBlob(
    digest: Digest,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<{ readonly size: number; readonly body: Readable } | undefined> {
    this.#reach(options.signal);
    const bytes = this.remote.blobs.get(digest);
    if (bytes === undefined) return undefined;
    const { start = 0, end = bytes.byteLength - 1 } = options.range ?? {};
    return { size: bytes.byteLength, body: Readable.from([Buffer.from(bytes.subarray(start, end + 1))]) };
  }

  async *fewBlobs(blobs: readonly BlobDescriptor[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined> {
    for (const { digest } of blobs) {
      this.#reach(signal);
      yield this.remote.blobs.get(digest);
    }
  }

  async statBlob(digest: Digest, signal: AbortSignal): Promise<BlobDescriptor | undefined> {
    this.#reach(signal);
    const bytes = this.remote.blobs.get(digest);
    return bytes === undefined ? undefined : { digest, size: bytes.byteLength };
  }

  async findLinkedBlob(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<BlobDescriptor | undefined> {
    this.#reach(signal);
    return this.remote.linked(repository, digest);
  }

  async findManifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PeerManifest | undefined> {
    this.#reach(signal);
    return this.remote.manifest(repository, formatReference(reference));
  }

  async status(signal: AbortSignal): Promise<RegionStatus> {
    this.#reach(signal);
    return this.remote.state;
  }

  async *statusStream(signal: AbortSignal): AsyncGenerator<RegionStatus> {
    this.#reach(signal);
    yield this.remote.state;
  }

  async presence(
    image: ImageName,
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<ImagePresence> {
    this.#reach(options.signal);
    return this.remote.presence(image);
  }

  #reach(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (!this.reachable) throw new PeerError('unreachable', this.region, 'the link is cut');
  }
}

async function* nothing(): AsyncGenerator<never> {}
