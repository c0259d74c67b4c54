import { type Digest, parseDigest, type RepositoryName, type Tag } from '#libs/oci';
import { keys, type ObjectStore } from '#libs/storage';
import { type SeqCodec, SeqRegisters, type Sequenced } from './seq-register.js';

/**
 * A live tag is `{"seq":…,"digest":"sha256:…"}`, a tombstone `{"seq":…}`. No tombstone is as long as this and no live
 * tag as short, so a page of a listing tells them apart by the sizes that come with it, without reading any of them.
 */
const LONGEST_TOMBSTONE_BYTES = 40;

const codec: SeqCodec<Digest> = {
  encode: ({ seq, value }) => Buffer.from(JSON.stringify({ seq, digest: value })),
  decode: (bytes) => {
    const { seq, digest } = JSON.parse(Buffer.from(bytes).toString()) as { seq: number; digest?: string };
    return { seq, value: digest === undefined ? undefined : parseDigest(digest) };
  },
};

/** The tags of a region: where each points, and which entry said so. */
export class Tags {
  readonly #registers: SeqRegisters<Digest>;

  constructor(private readonly store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  get(repository: RepositoryName, tag: Tag, signal: AbortSignal): Promise<Sequenced<Digest> | undefined> {
    return this.#registers.get(keys.tag(repository, tag), signal);
  }

  /** Points the tag at `digest`, or deletes it, as the entry at `seq` says; an older entry changes nothing. */
  async set(
    repository: RepositoryName,
    tag: Tag,
    seq: number,
    digest: Digest | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#registers.advance(keys.tag(repository, tag), { seq, value: digest }, signal);
  }

  /** Live tags in byte order: at most `limit`, after `last`. */
  async page(
    repository: RepositoryName,
    request: { readonly limit: number; readonly last?: string },
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly Tag[]; readonly more: boolean }> {
    const prefix = keys.tagPrefix(repository);
    const items: Tag[] = [];
    let startAfter = request.last === undefined ? undefined : `${prefix}${request.last}`;
    for (;;) {
      // One more than asked for, so that `more` is true only if there is more.
      const limit = Math.min(1_000, request.limit + 1 - items.length);
      const page = await this.store.list(
        { prefix, limit, ...(startAfter === undefined ? {} : { startAfter }) },
        signal,
      );
      for (const object of page.objects) {
        if (object.size > LONGEST_TOMBSTONE_BYTES) items.push(object.key.slice(prefix.length) as Tag);
      }
      startAfter = page.objects.at(-1)?.key;
      if (items.length > request.limit) return { items: items.slice(0, request.limit), more: true };
      if (!page.more || startAfter === undefined) return { items, more: false };
    }
  }

  /** Every live tag, a page at a time. */
  async *all(repository: RepositoryName, signal: AbortSignal): AsyncIterable<readonly Tag[]> {
    let last: string | undefined;
    for (;;) {
      const page = await this.page(repository, { limit: 999, ...(last === undefined ? {} : { last }) }, signal);
      yield page.items;
      last = page.items.at(-1);
      if (!page.more || last === undefined) return;
    }
  }
}
