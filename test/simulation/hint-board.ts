import type { BlobDescriptor } from '#libs/oci';

/** Tells whoever listens of blobs that were just committed. */
export class HintBoard {
  readonly #listeners = new Set<(blob: BlobDescriptor) => void>();

  publish(blob: BlobDescriptor): void {
    for (const hear of this.#listeners) hear(blob);
  }

  listen(hear: (blob: BlobDescriptor) => void): () => void {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  }
}
