import { anySignal } from '#libs/resilience';
import type { MultipartStore, MultipartUpload, ObjectStat, StoredPart } from '../../object-store.js';
import type { FilledPart, PartBuffers } from './part-buffers.js';

/** Parts on their way to the store at once: with the one that is being filled, 40 MiB for each writer. */
const MAX_IN_FLIGHT = 4;

/**
 * Writes an object as an upload by parts. If anything fails, the upload is aborted before this rejects, and no part is on
 * its way any more.
 */
export async function writeParts(
  key: string,
  parts: AsyncIterable<FilledPart>,
  buffers: PartBuffers,
  multipart: MultipartStore,
  signal: AbortSignal,
): Promise<ObjectStat> {
  const upload = await multipart.begin(key, signal);
  const stop = new AbortController();
  const ended = anySignal([signal, stop.signal]);
  const sending = new PartSender(upload, multipart, buffers, ended.signal);
  try {
    for await (const part of parts) await sending.send(part);
    return await multipart.complete(upload, await sending.finish(), signal);
  } catch (error) {
    stop.abort(error);
    await sending.settle();
    // Not with the caller's signal: it may have aborted, and its upload must go all the same.
    await multipart.abort(upload, new AbortController().signal).catch(() => undefined);
    throw error;
  } finally {
    ended.release();
  }
}

class PartSender {
  readonly #inFlight = new Set<Promise<void>>();
  readonly #stored: StoredPart[] = [];
  #number = 0;
  #offset = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly upload: MultipartUpload,
    private readonly multipart: MultipartStore,
    private readonly buffers: PartBuffers,
    private readonly signal: AbortSignal,
  ) {}

  /** Resolves when there is room for the next part. */
  async send({ buffer, length }: FilledPart): Promise<void> {
    this.#number += 1;
    const position = { number: this.#number, offset: this.#offset, size: length };
    this.#offset += length;
    const sent = this.#store(position, buffer).finally(() => this.#inFlight.delete(sent));
    this.#inFlight.add(sent);
    if (this.#inFlight.size >= MAX_IN_FLIGHT) await Promise.race(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async finish(): Promise<readonly StoredPart[]> {
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#stored.sort((a, b) => a.number - b.number);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  async #store(position: Omit<StoredPart, 'etag'>, buffer: Buffer): Promise<void> {
    try {
      const bytes = buffer.subarray(0, position.size);
      this.#stored.push(await this.multipart.writePart(this.upload, position, bytes, this.signal));
      this.buffers.give(buffer);
    } catch (error) {
      // The buffer is not given back: an aborted request may still be reading it.
      this.#failure ??= { error };
    }
  }
}
