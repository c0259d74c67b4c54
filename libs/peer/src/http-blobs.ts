import type { BlobDescriptor, Digest } from '#libs/oci';
import type { ByteRange } from '#libs/storage';
import { readFramedBlobs } from './few-blobs.js';
import { checkedBody } from './peer-body.js';
import type { OpenBlobOptions, OpenedBlob } from './peer-client.js';
import type { PeerAnswer } from './peer-connections.js';
import type { PeerQuestions } from './peer-questions.js';
import { wholeNumber } from './whole-number.js';
import { BLOB_GROWING_HEADER, BLOB_SIZE_HEADER } from './wire.js';

/** Another region's blobs, and those that it copies this moment, over HTTP. */
export class HttpBlobs {
  constructor(private readonly peer: PeerQuestions) {}

  async open(
    path: string,
    query: Readonly<Record<string, number>>,
    { range, followMs, signal }: OpenBlobOptions,
  ): Promise<OpenedBlob | undefined> {
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ''}` };
    const answer = await this.peer.find(path, {
      query: followMs === undefined ? query : { ...query, followMs },
      headers,
      waitMs: followMs ?? 0,
      signal,
    });
    if (answer === undefined) return undefined;
    try {
      const size = this.#blobSize(answer);
      const expected = this.#rangeOf(answer, range, size);
      const explain = (error: unknown) => this.peer.broken(error, signal);
      const growing = answer.header(BLOB_GROWING_HEADER) === undefined ? {} : { growing: true };
      return { size, body: checkedBody(answer.body, { size: expected, explain }), ...growing };
    } catch (error) {
      answer.discard();
      throw error;
    }
  }

  async *few(blobs: readonly BlobDescriptor[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined> {
    const body = JSON.stringify({ digests: blobs.map(({ digest }) => digest) });
    const answer = await this.peer.request('POST', '/blobs', { body, signal });
    try {
      this.peer.expectFound(answer);
      yield* readFramedBlobs(answer.body, blobs);
    } catch (error) {
      throw this.peer.broken(error, signal);
    } finally {
      answer.discard();
    }
  }

  /** `followMs`: how long the peer may wait for a blob that it does not have yet. */
  async stat(
    path: string,
    digest: Digest,
    request: { readonly followMs?: number; readonly signal: AbortSignal },
  ): Promise<BlobDescriptor | undefined> {
    const { followMs, signal } = request;
    const waiting = followMs === undefined ? {} : { query: { followMs }, waitMs: followMs };
    const answer = await this.peer.request('HEAD', path, { ...waiting, signal });
    answer.discard();
    return answer.status === 404 ? undefined : { digest, size: this.#blobSize(answer) };
  }

  #blobSize(answer: PeerAnswer): number {
    const size = wholeNumber(answer.header(BLOB_SIZE_HEADER));
    if (size === undefined) throw this.peer.protocol('a blob without its size');
    return size;
  }

  /** How many bytes must come. A proxy that ignores the range, or packs the bytes, is found out here (R11). */
  #rangeOf(answer: PeerAnswer, range: ByteRange | undefined, size: number): number {
    const encoding = answer.header('content-encoding') ?? 'identity';
    if (encoding !== 'identity') throw this.peer.protocol(`the bytes come as ${encoding}`);
    if (answer.status === 200 && (range?.start ?? 0) === 0 && range?.end === undefined) return size;
    const end = Math.min(range?.end ?? size - 1, size - 1);
    const expected = `bytes ${range?.start ?? 0}-${end}/${size}`;
    if (answer.status !== 206 || answer.header('content-range') !== expected) {
      throw this.peer.protocol(`not the range that was asked for (${expected})`);
    }
    return end - (range?.start ?? 0) + 1;
  }
}
