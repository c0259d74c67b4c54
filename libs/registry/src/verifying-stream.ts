import { createHash, type Hash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { type Digest, digestAlgorithm, RegistryError } from '#libs/oci';

export interface ExpectedContent {
  readonly digest: Digest;
  /** Bytes; without it any length will do. */
  readonly size?: number;
}

/**
 * Passes bytes on and checks them on the way. The last chunk is held back until the digest was found right, so that a
 * reader which counts bytes can never take damaged content for whole (I3).
 *
 * Fails with RegistryError `SIZE_INVALID` or `DIGEST_INVALID`; whoever reads from a store or a peer, where that is not a
 * client's mistake, gives it another meaning.
 */
export class VerifyingStream extends Transform {
  readonly #hash: Hash;
  #held: Buffer | undefined;
  #size = 0;

  constructor(private readonly expected: ExpectedContent) {
    super();
    this.#hash = createHash(digestAlgorithm(expected.digest));
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    const tooLong = this.expected.size !== undefined && this.#size > this.expected.size;
    const ready = this.#held;
    this.#held = chunk;
    done(tooLong ? this.#wrongSize() : null, ready);
  }

  override _flush(done: TransformCallback): void {
    const error = this.#verdict();
    done(error, error === null ? this.#held : undefined);
  }

  #verdict(): RegistryError | null {
    if (this.expected.size !== undefined && this.#size !== this.expected.size) return this.#wrongSize();
    const algorithm = digestAlgorithm(this.expected.digest);
    const computed = `${algorithm}:${this.#hash.digest('hex')}`;
    return computed === this.expected.digest ? null : new RegistryError('DIGEST_INVALID', { computed });
  }

  #wrongSize(): RegistryError {
    return new RegistryError('SIZE_INVALID', { expected: this.expected.size, received: this.#size });
  }
}
