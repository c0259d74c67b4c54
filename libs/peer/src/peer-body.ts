import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';

/** What a body is held to: exactly so many bytes, and every failure in the peer's own terms. */
export interface BodyTerms {
  readonly size: number;
  /** What a failure of the connection, or a body of another size, means. */
  readonly explain: (error: unknown) => Error;
}

/** Passes a peer's bytes on, and fails unless exactly `size` of them came: an end in the middle is never a clean end. */
class PeerBody extends Transform {
  #received = 0;

  constructor(private readonly terms: BodyTerms) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#received += chunk.length;
    if (this.#received > this.terms.size) done(new Error('more bytes came than were promised'));
    else done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    done(this.#received === this.terms.size ? null : new Error('the body ended early'));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    super._destroy(error === null ? null : this.terms.explain(error), done);
  }
}

export function checkedBody(body: Readable, terms: BodyTerms): Readable {
  const checked = new PeerBody(terms);
  pipeline(body, checked, () => {
    // Whoever reads `checked` hears of it: pipeline destroys it with the error.
  });
  return checked;
}
