import type { RegionName, TokenSubject } from '#libs/geo';
import type { SnapshotSource, SummarySource } from '#libs/journal';
import {
  type BlobDescriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  formatReference,
  MAX_MANIFEST_BYTES,
  parseDigest,
  type Reference,
  type RepositoryName,
} from '#libs/oci';
import type { Clock } from '#libs/resilience';
import { HttpBlobs } from './http-blobs.js';
import { HttpSnapshots } from './http-snapshots.js';
import { HttpSteering } from './http-steering.js';
import { HttpSummary } from './http-summary.js';
import { parseJournalMessage } from './parse-message.js';
import {
  type ImagePresence,
  JOURNAL_HEARTBEAT_MS,
  type JournalMessage,
  type OpenBlobOptions,
  type OpenedBlob,
  type PeerClient,
  type PeerManifest,
  type RegionStatus,
} from './peer-client.js';
import { PeerConnections } from './peer-connections.js';
import { PeerQuestions } from './peer-questions.js';
import type { RegionSteering } from './region-steering.js';
import { parseBlobDescriptor, parseImagePresence, parseRegionStatus } from './schema.js';
import { wholeNumber } from './whole-number.js';
import { MANIFEST_DIGEST_HEADER, TAG_SEQ_HEADER } from './wire.js';

/** A manifest of 4 MiB in JSON: every line feed and quote takes two bytes; and what its entry says of it besides. */
const MAX_ENTRY_BYTES = 24 * 1024 * 1024;

const STREAM_SILENCE_MS = 3 * JOURNAL_HEARTBEAT_MS;

export interface HttpPeerClientOptions {
  readonly region: RegionName;
  /** The origin of its internal API, without a path. */
  readonly origin: string;
  readonly self: TokenSubject;
  /** The key for region tokens, see `deriveClusterKey`. */
  readonly key: Uint8Array;
  readonly clock: Clock;
}

/** Another region over HTTP. Whatever it says is checked before it is believed. */
export class HttpPeerClient implements PeerClient {
  readonly region: RegionName;
  readonly snapshots: SnapshotSource;
  readonly summary: SummarySource;
  readonly steering: RegionSteering;
  readonly #connections: PeerConnections;
  readonly #peer: PeerQuestions;
  readonly #blobs: HttpBlobs;

  constructor(options: HttpPeerClientOptions) {
    this.region = options.region;
    this.#connections = new PeerConnections(options);
    this.#peer = new PeerQuestions(this.#connections);
    this.#blobs = new HttpBlobs(this.#peer);
    this.snapshots = new HttpSnapshots(this.#peer);
    this.summary = new HttpSummary(this.#peer);
    this.steering = new HttpSteering(this.#peer);
  }

  /** Ends all requests and connections. */
  async close(): Promise<void> {
    await this.#connections.close();
  }

  /** Keeps connections open that nobody uses, for those who will be in a hurry. Ends with the signal's reason. */
  keepWarm(signal: AbortSignal): Promise<void> {
    return this.#connections.keepWarm(signal);
  }

  async *journal(after: number, signal: AbortSignal): AsyncGenerator<JournalMessage> {
    const asked = { query: { after }, signal, idleMs: STREAM_SILENCE_MS };
    let last = after;
    for await (const value of this.#peer.lines('/journal', asked, MAX_ENTRY_BYTES)) {
      const message = this.#peer.parsed(() => parseJournalMessage(value));
      const seq = message === undefined ? undefined : placeOf(message);
      if (seq !== undefined && seq !== last + 1) throw this.#peer.protocol(`entry ${seq} came after ${last}`);
      last = seq ?? last;
      if (message !== undefined) yield message;
    }
  }

  openBlob(digest: Digest, options: OpenBlobOptions): Promise<OpenedBlob | undefined> {
    return this.#blobs.open(`/blobs/${digest}`, {}, options);
  }

  /**
   * Bytes of a blob that this very process copies, as they come; `undefined` if it does not. With `size` it begins to: for
   * the other processes of its region.
   */
  openCopy(digest: Digest, options: OpenBlobOptions & { readonly size?: number }): Promise<OpenedBlob | undefined> {
    const { size } = options;
    return this.#blobs.open(`/copies/${digest}`, size === undefined ? {} : { size }, options);
  }

  /** The blob, if this very process copies it, or begins to within `followMs`. */
  statCopy(digest: Digest, followMs: number, signal: AbortSignal): Promise<BlobDescriptor | undefined> {
    return this.#blobs.stat(`/copies/${digest}`, digest, { followMs, signal });
  }

  fewBlobs(blobs: readonly BlobDescriptor[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined> {
    return this.#blobs.few(blobs, signal);
  }

  statBlob(digest: Digest, signal: AbortSignal): Promise<BlobDescriptor | undefined> {
    return this.#blobs.stat(`/blobs/${digest}`, digest, { signal });
  }

  async findLinkedBlob(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<BlobDescriptor | undefined> {
    const answer = await this.#peer.find('/links', { query: { repository, digest }, signal });
    if (answer === undefined) return undefined;
    const blob = await this.#peer.readJson(answer, parseBlobDescriptor, signal);
    if (blob.digest !== digest) throw this.#peer.protocol('another blob than the one asked for');
    return blob;
  }

  async findManifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PeerManifest | undefined> {
    const query = { repository, reference: formatReference(reference) };
    const answer = await this.#peer.find('/manifests', { query, signal });
    if (answer === undefined) return undefined;
    const content = await answer.bytes(MAX_MANIFEST_BYTES, signal);
    const digest = this.#peer.parsed(() => parseDigest(answer.header(MANIFEST_DIGEST_HEADER) ?? ''));
    const asked = reference.kind === 'digest' ? reference.digest : digest;
    if (digest !== asked || digestOf(content, digestAlgorithm(digest)) !== digest) {
      throw this.#peer.protocol(`the manifest is not ${asked}`);
    }
    const mediaType = answer.header('content-type');
    if (mediaType === undefined) throw this.#peer.protocol('a manifest without a media type');
    const tagSeq = wholeNumber(answer.header(TAG_SEQ_HEADER));
    return { digest, mediaType, content, ...(tagSeq === undefined ? {} : { tagSeq }) };
  }

  async status(signal: AbortSignal): Promise<RegionStatus> {
    return this.#own(await this.#peer.json('GET', '/status', { signal }, parseRegionStatus));
  }

  async *statusStream(signal: AbortSignal): AsyncGenerator<RegionStatus> {
    const asked = { signal, idleMs: STREAM_SILENCE_MS };
    for await (const value of this.#peer.lines('/status/stream', asked)) {
      yield this.#own(this.#peer.parsed(() => parseRegionStatus(value)));
    }
  }

  async presence(
    image: { readonly repository: RepositoryName; readonly reference: Reference },
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<ImagePresence> {
    const { waitMs, signal } = options;
    const query = { repository: image.repository, reference: formatReference(image.reference), waitMs };
    return this.#own(await this.#peer.json('GET', '/presence', { query, signal, waitMs }, parseImagePresence));
  }

  /** What a region says of itself. */
  #own<T extends { readonly region: RegionName }>(said: T): T {
    if (said.region !== this.region) throw this.#peer.protocol(`it speaks for ${said.region}`);
    return said;
  }
}

function placeOf(message: JournalMessage): number | undefined {
  if (message.kind === 'entry') return message.entry.seq;
  return message.kind === 'unreadable' ? message.seq : undefined;
}
