import type { ControlBus } from '#libs/control';
import type { Digest } from '#libs/oci';

/** Copies that are remembered at once; more than a region's workers run. */
const CAPACITY = 1_024;

/** How far the copies of this region's workers are, as they said last. For showing progress, and for nothing else. */
export class BytesInFlight {
  readonly #bytes = new Map<Digest, number>();

  /** `onBytes` is told of every byte that comes in. */
  constructor(
    bus: ControlBus,
    private readonly onBytes: (bytes: number) => void,
  ) {
    bus.subscribe((message) => {
      if (message.kind === 'blob.progress') this.#hear(message.blob.digest, message.bytesDone);
      if (message.kind === 'bytes.copied') this.onBytes(message.bytes);
    });
  }

  of(digest: Digest): number {
    return this.#bytes.get(digest) ?? 0;
  }

  #hear(digest: Digest, bytesDone: number): void {
    this.onBytes(Math.max(0, bytesDone - this.of(digest)));
    this.#bytes.delete(digest);
    this.#bytes.set(digest, bytesDone);
    const [oldest] = this.#bytes.keys();
    if (this.#bytes.size > CAPACITY && oldest !== undefined) this.#bytes.delete(oldest);
  }
}
