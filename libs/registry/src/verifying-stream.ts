import { createHash, type Hash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { type Digest, digestAlgorithm, RegistryError } from '#libs/oci';

export interface ExpectedContent {
  readonly digest: Digest;
  /** Bytes; without it any length will do. */
  readonly size?: number;
}

/** Of those that came and were not taken: thousands who read next to nothing hold them. Larger chunks come one at a time anyway. */
const WAITING_BYTES = 8 * 1024;

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

  /** `onWrong` is told what came instead of the content, and the reader hears of it after that. */
  constructor(
    private readonly expected: ExpectedContent,
    private readonly onWrong: (found: string) => Promise<void> = () => Promise.resolve(),
  ) {
    super({ highWaterMark: WAITING_BYTES });
    this.#hash = createHash(digestAlgorithm(expected.digest));
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    const ready = this.#held;
    this.#held = chunk;
    const tooLong = this.expected.size !== undefined && this.#size > this.expected.size;
    if (tooLong) this.#refuse(`more than ${this.expected.size} bytes`, this.#wrongSize(), done);
    else done(null, ready);
  }

  override _flush(done: TransformCallback): void {
    const computed = `${digestAlgorithm(this.expected.digest)}:${this.#hash.digest('hex')}`;
    const wholeSize = this.expected.size === undefined || this.#size === this.expected.size;
    if (!wholeSize) this.#refuse(`${this.#size} bytes`, this.#wrongSize(), done);
    else if (computed === this.expected.digest) done(null, this.#held);
    else this.#refuse(computed, new RegistryError('DIGEST_INVALID', { computed }), done);
  }

  /** Whatever becomes of telling it, the content is wrong. */
  #refuse(found: string, error: RegistryError, done: TransformCallback): void {
    const refuse = (): void => done(error);
    this.onWrong(found).then(refuse, refuse);
  }

  #wrongSize(): RegistryError {
    return new RegistryError('SIZE_INVALID', { expected: this.expected.size, received: this.#size });
  }
}
