import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import { givenUp } from './blob-records.js';
import type { ReceivedBlob } from './blob-store.js';
import type { RegionContent } from './region-content.js';

/** After this long what was known of a blob is asked again: a process may be halted for longer than a collection waits. */
export const KNOWN_FOR_MS = 60_000;

export interface BlobPublisherOptions {
  readonly content: RegionContent;
  readonly clock: Clock;
  /** The journal's head, which a new link is later than. */
  readonly headSeq: () => number;
  /** A blob may be read from now on: others may want to start copying it. */
  readonly onCommitted: (blob: BlobDescriptor) => void;
  /** Aborts when the process stops. What a client sent is kept even when that client is gone, so its signal won't do. */
  readonly signal: AbortSignal;
}

/** Lets a repository read a blob, and only tells when that is so and will stay so. */
export class BlobPublisher {
  constructor(private readonly options: BlobPublisherOptions) {}

  /**
   * The bytes get their digest and the repository its link, side by side: neither lets anybody read anything without the
   * other, and whoever sent the bytes has shown that it has them. Both have ended when this rejects.
   * `sinceMs`: no later than when the blob was known to be here, by the monotonic clock.
   */
  async adopt(
    repository: RepositoryName,
    received: ReceivedBlob,
    sinceMs: number,
    signal: AbortSignal,
  ): Promise<BlobDescriptor> {
    const { digest, size } = received;
    const adopting = this.options.content.blobs.adopt(received, signal);
    const outcomes = await Promise.allSettled([adopting, this.#link(repository, digest)]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return this.#published({ digest, size }, sinceMs);
  }

  /** `undefined` unless the blob is here and the other repository may read it. */
  async mount(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName,
    signal: AbortSignal,
  ): Promise<BlobDescriptor | undefined> {
    const { content, clock } = this.options;
    const sinceMs = clock.monotonic();
    const [readable, record] = await Promise.all([
      content.links.has(from, digest, signal),
      content.blobs.stat(digest, signal),
    ]);
    if (!readable || record === undefined) return undefined;
    await this.#link(repository, digest);
    return this.#published({ digest, size: record.size }, sinceMs);
  }

  async #link(repository: RepositoryName, digest: Digest): Promise<void> {
    const { content, headSeq, signal } = this.options;
    await content.links.addUploaded(repository, digest, headSeq(), signal);
  }

  async #published(blob: BlobDescriptor, sinceMs: number): Promise<BlobDescriptor> {
    const { content, clock, onCommitted, signal } = this.options;
    const longAgo = clock.monotonic() - sinceMs > KNOWN_FOR_MS;
    if (longAgo && (await content.blobs.stat(blob.digest, signal)) === undefined) throw givenUp(blob.digest);
    onCommitted(blob);
    return blob;
  }
}
