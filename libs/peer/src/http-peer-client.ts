import { promisify } from 'node:util';
import { gunzip, type ZlibOptions } from 'node:zlib';
import type { RegionName, TokenSubject } from '#libs/geo';
import {
  MAX_SNAPSHOT_PART_BYTES,
  parseSnapshotHeader,
  type SnapshotHeader,
  type SnapshotSource,
  type SummarySource,
} from '#libs/journal';
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
import type { ByteRange } from '#libs/storage';
import { readFramedBlobs } from './few-blobs.js';
import { HttpSummary } from './http-summary.js';
import { parseJournalMessage } from './parse-message.js';
import { parseFailedCopies, parseRegionControl } from './parse-steering.js';
import { checkedBody } from './peer-body.js';
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
import { type PeerAnswer, PeerConnections } from './peer-connections.js';
import { PeerError } from './peer-error.js';
import { readLines } from './read-lines.js';
import type { RegionControl, RegionSteering } from './region-steering.js';
import { parseBlobDescriptor, parseImagePresence, parseRegionStatus } from './schema.js';
import { BLOB_GROWING_HEADER, BLOB_SIZE_HEADER, MANIFEST_DIGEST_HEADER, TAG_SEQ_HEADER } from './wire.js';

/** A manifest of 4 MiB in JSON: every line feed and quote takes two bytes; and what its entry says of it besides. */
const MAX_ENTRY_BYTES = 24 * 1024 * 1024;

/** Thousands of digests, or of entries beyond a watermark. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;

/** It names each part. */
const MAX_SNAPSHOT_HEADER_BYTES = 16 * 1024 * 1024;

const unpacked = promisify<Uint8Array, ZlibOptions, Uint8Array>(gunzip);

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
  readonly snapshots: SnapshotSource = {
    newest: (signal) => this.#newestSnapshot(signal),
    part: (seq, name, signal) => this.#snapshotPart(seq, name, signal),
  };
  readonly summary: SummarySource;
  readonly steering: RegionSteering = {
    control: async (signal) => this.#control(await this.#connections.request('GET', '/controls', { signal }), signal),
    change: async (change, signal) => {
      const body = JSON.stringify({ ...change, ...('limits' in change ? { limits: change.limits ?? null } : {}) });
      return this.#control(await this.#connections.request('POST', '/controls', { body, signal }), signal);
    },
    failed: async (signal) => {
      const value = await this.#json(await this.#connections.request('GET', '/failed', { signal }), signal);
      return this.#parsed(() => parseFailedCopies(value));
    },
  };
  readonly #connections: PeerConnections;

  constructor(options: HttpPeerClientOptions) {
    this.region = options.region;
    this.#connections = new PeerConnections(options);
    this.summary = new HttpSummary(this.#connections, (message, cause) => this.#protocol(message, cause));
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
    let last = after;
    for await (const value of this.#stream('/journal', { after }, MAX_ENTRY_BYTES, signal)) {
      const message = this.#parsed(() => parseJournalMessage(value));
      const seq = message === undefined ? undefined : placeOf(message);
      if (seq !== undefined && seq !== last + 1) throw this.#protocol(`entry ${seq} came after ${last}`);
      last = seq ?? last;
      if (message !== undefined) yield message;
    }
  }

  async #newestSnapshot(signal: AbortSignal): Promise<SnapshotHeader | undefined> {
    const answer = await this.#connections.request('GET', '/snapshot', { signal });
    if (answer.status === 404) return this.#absent(answer);
    const bytes = await answer.bytes(MAX_SNAPSHOT_HEADER_BYTES, signal);
    return this.#parsed(() => parseSnapshotHeader(JSON.parse(Buffer.from(bytes).toString('utf8'))));
  }

  async #snapshotPart(seq: number, name: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const headers = { 'accept-encoding': 'gzip' };
    const answer = await this.#connections.request('GET', '/snapshot/part', { query: { seq, name }, headers, signal });
    if (answer.status === 404) return this.#absent(answer);
    const bytes = await answer.bytes(MAX_SNAPSHOT_PART_BYTES, signal);
    if (answer.header('content-encoding') !== 'gzip') return bytes;
    return unpacked(bytes, { maxOutputLength: MAX_SNAPSHOT_PART_BYTES }).catch((cause: unknown) => {
      throw this.#protocol('a part of a snapshot that cannot be unpacked', cause);
    });
  }

  async openBlob(digest: Digest, options: OpenBlobOptions): Promise<OpenedBlob | undefined> {
    return this.#open(`/blobs/${digest}`, {}, options);
  }

  /**
   * Bytes of a blob that this very process copies, as they come; `undefined` if it does not. With `size` it begins to: for
   * the other processes of its region.
   */
  async openCopy(
    digest: Digest,
    options: OpenBlobOptions & { readonly size?: number },
  ): Promise<OpenedBlob | undefined> {
    const { size } = options;
    return this.#open(`/copies/${digest}`, size === undefined ? {} : { size }, options);
  }

  /** The blob, if this very process copies it, or begins to within `followMs`. */
  async statCopy(digest: Digest, followMs: number, signal: AbortSignal): Promise<BlobDescriptor | undefined> {
    const query = { followMs };
    const answer = await this.#connections.request('HEAD', `/copies/${digest}`, { query, waitMs: followMs, signal });
    answer.discard();
    return answer.status === 404 ? undefined : { digest, size: this.#blobSize(answer) };
  }

  async #open(
    path: string,
    query: Readonly<Record<string, number>>,
    { range, followMs, signal }: OpenBlobOptions,
  ): Promise<OpenedBlob | undefined> {
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ''}` };
    const answer = await this.#connections.request('GET', path, {
      query: followMs === undefined ? query : { ...query, followMs },
      headers,
      waitMs: followMs ?? 0,
      signal,
    });
    if (answer.status === 404) return this.#absent(answer);
    try {
      const size = this.#blobSize(answer);
      const expected = this.#rangeOf(answer, range, size);
      const explain = (error: unknown) => this.#connections.explain(error, 'stalled', signal);
      const growing = answer.header(BLOB_GROWING_HEADER) === undefined ? {} : { growing: true };
      return { size, body: checkedBody(answer.body, { size: expected, explain }), ...growing };
    } catch (error) {
      answer.discard();
      throw error;
    }
  }

  async *fewBlobs(blobs: readonly BlobDescriptor[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined> {
    const body = JSON.stringify({ digests: blobs.map(({ digest }) => digest) });
    const answer = await this.#connections.request('POST', '/blobs', { body, signal });
    try {
      this.#expectFound(answer);
      yield* readFramedBlobs(answer.body, blobs);
    } catch (error) {
      throw this.#connections.explain(error, 'stalled', signal);
    } finally {
      answer.discard();
    }
  }

  async statBlob(digest: Digest, signal: AbortSignal): Promise<BlobDescriptor | undefined> {
    const answer = await this.#connections.request('HEAD', `/blobs/${digest}`, { signal });
    answer.discard();
    return answer.status === 404 ? undefined : { digest, size: this.#blobSize(answer) };
  }

  async findLinkedBlob(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<BlobDescriptor | undefined> {
    const answer = await this.#connections.request('GET', '/links', { query: { repository, digest }, signal });
    if (answer.status === 404) return this.#absent(answer);
    const value = await this.#json(answer, signal);
    const blob = this.#parsed(() => parseBlobDescriptor(value));
    if (blob.digest !== digest) throw this.#protocol('another blob than the one asked for');
    return blob;
  }

  async findManifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PeerManifest | undefined> {
    const query = { repository, reference: formatReference(reference) };
    const answer = await this.#connections.request('GET', '/manifests', { query, signal });
    if (answer.status === 404) return this.#absent(answer);
    const content = await answer.bytes(MAX_MANIFEST_BYTES, signal);
    const digest = this.#parsed(() => parseDigest(answer.header(MANIFEST_DIGEST_HEADER) ?? ''));
    const asked = reference.kind === 'digest' ? reference.digest : digest;
    if (digest !== asked || digestOf(content, digestAlgorithm(digest)) !== digest) {
      throw this.#protocol(`the manifest is not ${asked}`);
    }
    const mediaType = answer.header('content-type');
    if (mediaType === undefined) throw this.#protocol('a manifest without a media type');
    const tagSeq = wholeNumber(answer.header(TAG_SEQ_HEADER));
    return { digest, mediaType, content, ...(tagSeq === undefined ? {} : { tagSeq }) };
  }

  async status(signal: AbortSignal): Promise<RegionStatus> {
    const answer = await this.#connections.request('GET', '/status', { signal });
    return this.#status(await this.#json(answer, signal));
  }

  async *statusStream(signal: AbortSignal): AsyncGenerator<RegionStatus> {
    for await (const value of this.#stream('/status/stream', {}, MAX_JSON_BYTES, signal)) yield this.#status(value);
  }

  async presence(
    image: { readonly repository: RepositoryName; readonly reference: Reference },
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<ImagePresence> {
    const { waitMs, signal } = options;
    const query = { repository: image.repository, reference: formatReference(image.reference), waitMs };
    const answer = await this.#connections.request('GET', '/presence', { query, signal, waitMs });
    const value = await this.#json(answer, signal);
    const presence = this.#parsed(() => parseImagePresence(value));
    if (presence.region !== this.region) throw this.#protocol(`it speaks for ${presence.region}`);
    return presence;
  }

  async #control(answer: PeerAnswer, signal: AbortSignal): Promise<RegionControl> {
    const value = await this.#json(answer, signal);
    return this.#parsed(() => parseRegionControl(value));
  }

  async *#stream(
    path: string,
    query: Readonly<Record<string, number>>,
    maxLineBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<unknown> {
    const answer = await this.#connections.request('GET', path, { query, signal, idleMs: STREAM_SILENCE_MS });
    try {
      this.#expectFound(answer);
      for await (const line of readLines(answer.body, maxLineBytes)) {
        if (line !== '') yield this.#parsed(() => JSON.parse(line) as unknown);
      }
    } catch (error) {
      throw this.#connections.explain(error, 'stalled', signal);
    } finally {
      answer.discard();
    }
  }

  async #json(answer: PeerAnswer, signal: AbortSignal): Promise<unknown> {
    this.#expectFound(answer);
    const bytes = await answer.bytes(MAX_JSON_BYTES, signal);
    return this.#parsed(() => JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown);
  }

  #status(value: unknown): RegionStatus {
    const status = this.#parsed(() => parseRegionStatus(value));
    if (status.region !== this.region) throw this.#protocol(`it speaks for ${status.region}`);
    return status;
  }

  #blobSize(answer: PeerAnswer): number {
    const size = wholeNumber(answer.header(BLOB_SIZE_HEADER));
    if (size === undefined) throw this.#protocol('a blob without its size');
    return size;
  }

  /** How many bytes must come. A proxy that ignores the range, or packs the bytes, is found out here (R11). */
  #rangeOf(answer: PeerAnswer, range: ByteRange | undefined, size: number): number {
    const encoding = answer.header('content-encoding') ?? 'identity';
    if (encoding !== 'identity') throw this.#protocol(`the bytes come as ${encoding}`);
    if (answer.status === 200 && (range?.start ?? 0) === 0 && range?.end === undefined) return size;
    const end = Math.min(range?.end ?? size - 1, size - 1);
    const expected = `bytes ${range?.start ?? 0}-${end}/${size}`;
    if (answer.status !== 206 || answer.header('content-range') !== expected) {
      throw this.#protocol(`not the range that was asked for (${expected})`);
    }
    return end - (range?.start ?? 0) + 1;
  }

  #absent(answer: PeerAnswer): undefined {
    answer.discard();
    return undefined;
  }

  #expectFound(answer: PeerAnswer): void {
    if (answer.status !== 404) return;
    answer.discard();
    throw new PeerError('refused', this.region, 'it has no such resource');
  }

  #parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      throw this.#protocol('an answer that makes no sense', cause);
    }
  }

  #protocol(message: string, cause?: unknown): PeerError {
    return new PeerError('protocol', this.region, message, cause === undefined ? {} : { cause });
  }
}

function placeOf(message: JournalMessage): number | undefined {
  if (message.kind === 'entry') return message.entry.seq;
  return message.kind === 'unreadable' ? message.seq : undefined;
}

function wholeNumber(text: string | undefined): number | undefined {
  const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
