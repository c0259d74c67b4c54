import type { Digest, RepositoryName } from '#libs/oci';
import { keys, type ObjectStore } from '#libs/storage';
import { type SeqCodec, SeqRegisters } from './seq-register.js';

const codec: SeqCodec<true> = {
  encode: ({ seq, value }) => Buffer.from(JSON.stringify({ seq, live: value })),
  decode: (bytes) => {
    const { seq, live } = JSON.parse(Buffer.from(bytes).toString()) as { seq: number; live?: true };
    return { seq, value: live };
  },
};

/**
 * Which repository may read which blob. Membership is a fact of its own: that some repository holds a digest says
 * nothing about another.
 */
export class Links {
  readonly #registers: SeqRegisters<true>;

  constructor(store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  async has(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<boolean> {
    return (await this.#registers.get(keys.link(repository, digest), signal))?.value === true;
  }

  /**
   * As the manifest of the entry at `seq` needs it; a later delete prevails. A link that is there already moves to the
   * later seq all the same: the delete that lies between the two may not have come yet.
   */
  async add(repository: RepositoryName, digest: Digest, seq: number, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.link(repository, digest), { seq, value: true }, signal);
  }

  /**
   * A client just uploaded or mounted the blob. That is no entry of the journal; it happened after `headSeq`, and after
   * whatever delete it finds, and before the next one: half a step behind the later of the two.
   */
  async addUploaded(repository: RepositoryName, digest: Digest, headSeq: number, signal: AbortSignal): Promise<void> {
    const after = (seq: number) => ({ seq: Math.floor(seq) + 0.5, value: true }) as const;
    const key = keys.link(repository, digest);
    const found = await this.#registers.create(key, after(headSeq), signal);
    if (found.value === true) return;
    await this.#registers.update(
      key,
      (current) => (current?.value === true ? undefined : after(Math.max(headSeq, current?.seq ?? 0))),
      signal,
    );
  }

  async remove(repository: RepositoryName, digest: Digest, seq: number, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.link(repository, digest), { seq, value: undefined }, signal);
  }
}
