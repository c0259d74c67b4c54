import type { Digest, RepositoryName } from '#libs/oci';
import { keys, type ObjectStore, partsOfKey } from '#libs/storage';
import { type SeqCodec, SeqRegisters, type Sequenced } from './seq-register.js';
import { allObjects } from './upkeep/all-objects.js';

/** A repository may read a blob. */
export interface Link {
  /** The collection that found nothing in the repository that needs the blob. */
  readonly condemned?: string;
}

/**
 * `{"seq":7}` for one that ended, with `evicted` for one that this region must not have, `{"seq":7,"live":true}` for one that holds, with `condemned` as it is. A
 * page of a listing tells the three apart by the sizes that come with it, without reading any of them.
 */
const LONGEST_TOMBSTONE_BYTES = 40;
const LONGEST_UNCONDEMNED_BYTES = 60;

export type LinkKind = 'ended' | 'live' | 'condemned';

export function linkKind(bytes: number): LinkKind {
  if (bytes <= LONGEST_TOMBSTONE_BYTES) return 'ended';
  return bytes <= LONGEST_UNCONDEMNED_BYTES ? 'live' : 'condemned';
}

type Stored = Link & { readonly seq: number; readonly live?: true; readonly evicted?: true };

const codec: SeqCodec<Link> = {
  encode: ({ seq, value, evicted }) => {
    if (value === undefined) return Buffer.from(JSON.stringify({ seq, evicted }));
    const { condemned } = value;
    const text = JSON.stringify({ seq, live: true, condemned });
    return Buffer.from(
      text.padEnd(condemned === undefined ? LONGEST_UNCONDEMNED_BYTES : LONGEST_UNCONDEMNED_BYTES + 1),
    );
  },
  decode: (bytes) => {
    const { seq, live, evicted, ...link } = JSON.parse(Buffer.from(bytes).toString()) as Stored;
    return { seq, value: live === undefined ? undefined : link, ...(evicted === undefined ? {} : { evicted }) };
  },
};

/**
 * Which repository may read which blob. Membership is a fact of its own: that some repository holds a digest says
 * nothing about another.
 */
export class Links {
  readonly #registers: SeqRegisters<Link>;

  constructor(private readonly store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  /**
   * The link or its tombstone; `undefined` if there never was one. One that holds, holds for the grace time of a collection
   * at least from now on.
   */
  async state(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<Sequenced<Link> | undefined> {
    const key = keys.link(repository, digest);
    const found = await this.#registers.get(key, signal);
    if (found?.value?.condemned === undefined) return found;
    return this.#registers.update(key, (current) => revive(current), signal);
  }

  /** Blobs whose links hold, or have ended: the kind that is asked for; a page at a time. */
  async *digests(repository: RepositoryName, ended: boolean, signal: AbortSignal): AsyncGenerator<readonly Digest[]> {
    for await (const page of allObjects(this.store, keys.linksOf(repository), signal)) {
      const kind = page.filter(({ size }) => (linkKind(size) === 'ended') === ended);
      yield kind.map(({ key }) => partsOfKey(key).digest);
    }
  }

  /** Whether the repository may; as {@link state} promises it. */
  async has(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<boolean> {
    return (await this.state(repository, digest, signal))?.value !== undefined;
  }

  /**
   * As the manifest of the entry at `seq` needs it; a later delete prevails. A link that is there already moves to the
   * later seq all the same: the delete that lies between the two may not have come yet. `likelyNew`: it is tried at once, which
   * saves the look where there is no link, and costs a try where there is.
   */
  async add(
    repository: RepositoryName,
    digest: Digest,
    seq: number,
    signal: AbortSignal,
    likelyNew = false,
  ): Promise<void> {
    const key = keys.link(repository, digest);
    if (likelyNew && (await this.#registers.tryCreate(key, { seq, value: {} }, signal))) return;
    await this.#registers.update(
      key,
      (current) => {
        if (current === undefined || current.seq < seq) return { seq, value: {} };
        // An entry that came after this one gave it, whose manifest may still be out: any that needs it brings it back.
        return current.evicted === undefined ? undefined : { seq: current.seq, value: {} };
      },
      signal,
    );
  }

  /**
   * A client just uploaded or mounted the blob. That is no entry of the journal; it happened after `headSeq`, and after
   * whatever delete it finds, and before the next one: half a step behind the later of the two.
   */
  async addUploaded(repository: RepositoryName, digest: Digest, headSeq: number, signal: AbortSignal): Promise<void> {
    const after = (seq: number): Sequenced<Link> => ({ seq: halfAStepBehind(seq), value: {} });
    const key = keys.link(repository, digest);
    const found = await this.#registers.create(key, after(headSeq), signal);
    if (found.value !== undefined && found.value.condemned === undefined) return;
    await this.#registers.update(
      key,
      (current) => (current?.value === undefined ? after(Math.max(headSeq, current?.seq ?? 0)) : revive(current)),
      signal,
    );
  }

  /** The policy does not let the region have any manifest that needs it. */
  evict(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<void> {
    return this.#registers.evict(keys.link(repository, digest), signal);
  }

  async remove(repository: RepositoryName, digest: Digest, seq: number, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.link(repository, digest), { seq, value: undefined }, signal);
  }

  /** The link as it is; asking changes nothing, and so promises nothing. */
  inspect(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<Sequenced<Link> | undefined> {
    return this.#registers.get(keys.link(repository, digest), signal);
  }

  /** Whether nothing tells that the link holds or has ended, so that it was lost, or is still to be given back. */
  async isMissing(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<boolean> {
    const found = await this.#registers.readable(keys.link(repository, digest), signal);
    return found === undefined || found.evicted !== undefined;
  }

  /**
   * Puts one that was lost at the place that it has elsewhere, as if its entry had just come; whatever else is there stays. One that
   * holds waits for a manifest that needs it, which brings it back at that place.
   */
  async restore(
    repository: RepositoryName,
    digest: Digest,
    { seq, live }: { readonly seq: number; readonly live: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const next = { seq, value: undefined, ...(live ? { evicted: true as const } : {}) };
    await this.#registers.restore(keys.link(repository, digest), next, signal);
  }

  /** A collection found nothing in the repository that needs the blob. */
  async condemn(repository: RepositoryName, digest: Digest, cycle: string, signal: AbortSignal): Promise<void> {
    await this.#registers.update(
      keys.link(repository, digest),
      (current) =>
        current?.value === undefined || current.value.condemned !== undefined
          ? undefined
          : { seq: current.seq, value: { ...current.value, condemned: cycle } },
      signal,
    );
  }

  /**
   * As the sweep at `seq` says, of what `cycle` condemned. What was revived since, and so stands half a step behind an
   * entry, stays. In other regions links come from entries alone, and nothing before the sweep needs this one.
   */
  async sweep(
    repository: RepositoryName,
    digest: Digest,
    { seq, cycle }: { readonly seq: number; readonly cycle: string },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#registers.update(
      keys.link(repository, digest),
      (current) => {
        if (current !== undefined && current.seq >= seq) return undefined;
        const link = current?.value;
        const ownHere = current !== undefined && (link?.condemned !== undefined || !Number.isInteger(current.seq));
        return !ownHere || link?.condemned === cycle ? { seq, value: undefined } : undefined;
      },
      signal,
    );
  }
}

/** Somebody relies on the link. No entry said so, and so it stands half a step behind the one that it had its place from. */
function revive(current: Sequenced<Link> | undefined): Sequenced<Link> | undefined {
  if (current?.value?.condemned === undefined) return undefined;
  return { seq: halfAStepBehind(current.seq), value: {} };
}

function halfAStepBehind(seq: number): number {
  return Math.floor(seq) + 0.5;
}
