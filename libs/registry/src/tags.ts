import { type Digest, parseDigest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import { keys, type ObjectStore } from '#libs/storage';
import { type NamePage, type NamePageRequest, NamePages } from './name-pages.js';
import { NewNames } from './new-names.js';
import { putOver, type SeqCodec, SeqRegisters, type Sequenced } from './seq-register.js';

/**
 * A live tag is `{"seq":…,"digest":"sha256:…"}`, a tombstone `{"seq":…}`, each with `"floor":…` while that is higher than
 * its seq; with `"evicted":true` the region must not have what the entry at `seq` set. Nothing without a digest is as long
 * as this and no live tag as short, so a page of a listing tells them apart by the sizes that come with it.
 */
const LONGEST_TOMBSTONE_BYTES = 70;

interface TagValue {
  readonly digest: Digest | undefined;
  /** The newest entry for this tag that somebody heard of here; whatever is older must not be shown any more (I5). */
  readonly floor: number;
  /** The entry at `seq` set a digest that the policy does not let this region have; the same entry may give it back. */
  readonly evicted?: true;
}

const codec: SeqCodec<TagValue> = {
  encode: ({ seq, value }) => {
    const floor = value !== undefined && value.floor > seq ? value.floor : undefined;
    return Buffer.from(JSON.stringify({ seq, digest: value?.digest, floor, evicted: value?.evicted }));
  },
  decode: (bytes) => {
    const {
      seq,
      digest,
      floor = 0,
      evicted,
    } = JSON.parse(Buffer.from(bytes).toString()) as {
      readonly seq: number;
      readonly digest?: string;
      readonly floor?: number;
      readonly evicted?: true;
    };
    const value = { digest: digest === undefined ? undefined : parseDigest(digest), floor };
    return { seq, value: evicted === undefined ? value : { ...value, evicted } };
  },
};

/** A tag as it is stored. */
export interface InspectedTag {
  readonly etag: string;
  readonly state: { readonly seq: number; readonly digest?: Digest };
}

/** The tags of a region: where each points, and which entry said so. */
export class Tags {
  readonly #registers: SeqRegisters<TagValue>;
  readonly #new = new NewNames();

  constructor(private readonly store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  /** `undefined` also while the entry that was heard of is not here yet: see {@link raiseFloor}. */
  async get(repository: RepositoryName, tag: Tag, signal: AbortSignal): Promise<Sequenced<Digest> | undefined> {
    const state = await this.#registers.get(keys.tag(repository, tag), signal);
    if (state === undefined || (state.value?.floor ?? 0) > state.seq) return undefined;
    return { seq: state.seq, value: state.value?.digest };
  }

  /** What it points at in this region's store, whether that may be shown or not. */
  async held(
    repository: RepositoryName,
    tag: Tag,
    signal: AbortSignal,
  ): Promise<{ readonly seq: number; readonly digest: Digest } | undefined> {
    const { seq = 0, value } = (await this.#registers.get(keys.tag(repository, tag), signal)) ?? {};
    return value?.digest === undefined ? undefined : { seq, digest: value.digest };
  }

  /**
   * What is stored, right or wrong, and its version; `undefined` if there never was anything. What was heard of and is not
   * here yet counts with its place; what cannot be read, with 0.
   */
  async inspect(repository: RepositoryName, tag: Tag, signal: AbortSignal): Promise<InspectedTag | undefined> {
    const found = await this.store.read(keys.tag(repository, tag), signal);
    return found === undefined ? undefined : { etag: found.etag, state: readable(found.bytes) };
  }

  /** Puts a state without a digest in the place of a wrong one. @returns false if that was replaced meanwhile */
  async clear(
    repository: RepositoryName,
    tag: Tag,
    wrong: { readonly etag: string },
    next: { readonly seq: number; readonly evicted?: true },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { seq, evicted } = next;
    const value = evicted === undefined ? undefined : { digest: undefined, floor: 0, evicted };
    return putOver(this.store, keys.tag(repository, tag), codec.encode({ seq, value }), wrong.etag, signal);
  }

  /** Points the tag at `digest`, or deletes it, as the entry at `seq` says; an older entry changes nothing. */
  async set(
    repository: RepositoryName,
    tag: Tag,
    seq: number,
    digest: Digest | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const key = keys.tag(repository, tag);
    let wasNew = await this.#isMade(key, { seq, value: { digest, floor: 0 } }, signal);
    if (!wasNew) {
      await this.#registers.update(
        key,
        (current) => {
          wasNew = current === undefined;
          return moved(current, seq, digest);
        },
        signal,
      );
    }
    this.#new.noted(key, wasNew);
  }

  async #isMade(key: string, state: Sequenced<TagValue>, signal: AbortSignal): Promise<boolean> {
    return this.#new.isLikelyNew(key) && (await this.#registers.tryCreate(key, state, signal));
  }

  /** Shows nothing older than the entry at `seq` from now on, although that entry is not applied here yet. */
  async raiseFloor(repository: RepositoryName, tag: Tag, seq: number, signal: AbortSignal): Promise<void> {
    await this.#registers.update(
      keys.tag(repository, tag),
      (current) =>
        Math.max(current?.seq ?? -1, current?.value?.floor ?? 0) >= seq
          ? undefined
          : { seq: current?.seq ?? 0, value: { ...current?.value, digest: current?.value?.digest, floor: seq } },
      signal,
    );
  }

  /** The policy does not let the region have it. */
  async evict(repository: RepositoryName, tag: Tag, signal: AbortSignal): Promise<void> {
    const key = keys.tag(repository, tag);
    if ((await this.#registers.get(key, signal))?.value?.digest === undefined) return;
    await this.#registers.update(
      key,
      (current) =>
        current?.value?.digest === undefined
          ? undefined
          : { seq: current.seq, value: { digest: undefined, floor: current.value.floor, evicted: true } },
      signal,
    );
  }

  /** Live tags in byte order: at most `limit`, after `last`. */
  page(repository: RepositoryName, request: NamePageRequest, signal: AbortSignal): Promise<NamePage<Tag>> {
    return this.#names(repository).page(request, signal);
  }

  /** Every live tag, a page at a time. */
  all(repository: RepositoryName, signal: AbortSignal): AsyncIterable<readonly Tag[]> {
    return this.#names(repository).all(signal);
  }

  #names(repository: RepositoryName): NamePages<Tag> {
    const prefix = keys.tagPrefix(repository);
    return new NamePages(this.store, {
      prefix,
      isLive: ({ size }) => size > LONGEST_TOMBSTONE_BYTES,
      parse: (name) => name as Tag,
    });
  }
}

/** `undefined`: what is there is as new, or newer. */
function moved(
  current: Sequenced<TagValue> | undefined,
  seq: number,
  digest: Digest | undefined,
): Sequenced<TagValue> | undefined {
  if (current === undefined) return { seq, value: { digest, floor: 0 } };
  if (current.seq > seq || (current.seq === seq && current.value?.evicted === undefined)) return undefined;
  return { seq, value: { digest, floor: current.value?.floor ?? 0 } };
}

function readable(bytes: Uint8Array): InspectedTag['state'] {
  try {
    const { seq, value } = codec.decode(bytes);
    if (!Number.isSafeInteger(seq)) return { seq: 0 };
    const { digest, floor = 0 } = value ?? {};
    if (floor > seq) return { seq: floor };
    return { seq, ...(digest === undefined ? {} : { digest }) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RegistryError) return { seq: 0 };
    throw error;
  }
}
