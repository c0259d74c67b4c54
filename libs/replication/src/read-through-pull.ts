import { LRUCache } from 'lru-cache';
import {
  type BlobDescriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  formatReference,
  type Reference,
  RegistryError,
  type RepositoryName,
} from '#libs/oci';
import { type PeerClient, PeerError, type PeerManifest } from '#libs/peer';
import type { LocalPull, Pull, PullableBlob, PullableManifest, RegionContent } from '#libs/registry';
import type { Clock } from '#libs/resilience';
import type { FetchThrough } from './fetch-through.js';
import { NamedBlobs } from './named-blobs.js';
import { type ImageName, imageName } from './pulled-images.js';
import { ExcludedHere, type Residency } from './selection.js';

/** Many clients begin to pull an image at once; that is one reason to hurry. */
const TELL_AGAIN_MS = 5_000;

/** What a client asked for and this region lacks. */
interface Missing {
  readonly repository: RepositoryName;
  readonly reference?: string;
  readonly digest?: Digest;
}

export interface ReadThroughPullOptions {
  readonly local: LocalPull;
  readonly content: RegionContent;
  /** The primary: it knows what there is. */
  readonly origin: PeerClient;
  readonly fetches: FetchThrough;
  /** What the policy lets this region fetch. */
  readonly residency: Pick<Residency, 'refusalOfUnknown'>;
  /** Whether entries of that repository are known here and not applied yet. */
  readonly isPending: (repository: RepositoryName) => boolean;
  /** When it is worth asking again for what is on its way. */
  readonly retryAfterSeconds: () => number;
  /** Somebody asks for an image that the primary has and this region does not show; now and then while it goes on. */
  readonly onPulled?: (image: ImageName) => void;
  readonly clock: Clock;
}

/**
 * Reading at a replica: what is here at once, what is not here yet from the primary. Only the primary's "no such thing"
 * is a "no such thing"; when it cannot be asked, the answer is *not yet*, never "not there" (I2).
 */
export class ReadThroughPull implements Pull {
  readonly #named: NamedBlobs;
  /** When it was last told of an image. */
  readonly #told = new LRUCache<string, number>({ max: 1_000 });

  constructor(private readonly options: ReadThroughPullOptions) {
    this.#named = new NamedBlobs(options.clock);
  }

  async manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    const here = await this.options.local.manifest(repository, reference, signal);
    if (here !== undefined) return here;
    if (reference.kind === 'digest') this.#requireKnown(repository);
    const missing = { repository, reference: formatReference(reference) };
    const found = await this.#ask(missing, () => this.options.origin.findManifest(repository, reference, signal));
    if (found === undefined) return undefined;
    const wanted = reference.kind === 'digest' ? reference.digest : found.digest;
    if (digestOf(found.content, digestAlgorithm(wanted)) !== wanted) throw this.#notYet(missing, undefined);
    await this.#remember(repository, reference, found, signal);
    this.#named.remember(repository, found);
    this.#tell({ repository, digest: wanted });
    return { ...found, digest: wanted, source: 'peer' };
  }

  #tell(image: ImageName): void {
    const [name, atMs] = [imageName(image), this.options.clock.monotonic()];
    if (atMs - (this.#told.get(name) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) return;
    this.#told.set(name, atMs);
    this.options.onPulled?.(image);
  }

  /**
   * Entries that are older than this answer are still on their way here. Before anybody hears of it, it is remembered that
   * none of them may be shown (I5); until the entry itself comes, the tag is read through.
   */
  async #remember(
    repository: RepositoryName,
    reference: Reference,
    { tagSeq }: PeerManifest,
    signal: AbortSignal,
  ): Promise<void> {
    if (reference.kind === 'digest' || tagSeq === undefined) return;
    await this.options.content.tags.raiseFloor(repository, reference.tag, tagSeq, signal);
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<PullableBlob | undefined> {
    const { local, content, origin } = this.options;
    const here = await local.blob(repository, digest, signal);
    if (here !== undefined) return here;
    const link = await content.links.state(repository, digest, signal);
    // What a manifest that is shown here names may be fetched, whatever tags there are besides.
    if (link?.value === undefined) this.#requireKnown(repository);
    const hasEnded = link !== undefined && link.value === undefined;
    const blob =
      (hasEnded ? undefined : this.#named.find(repository, digest)) ??
      (await this.#ask({ repository, digest }, () => origin.findLinkedBlob(repository, digest, signal)));
    if (blob === undefined) return undefined;
    // The bytes may be here already, for another repository; only that this one may read them was not known yet.
    const record = await content.blobs.stat(digest, signal);
    return record === undefined ? this.#fetched(repository, blob) : local.pullable(record);
  }

  /** Of which tags something is, its digest does not say. @throws ExcludedHere where that decides */
  #requireKnown(repository: RepositoryName): void {
    const refusal = this.options.residency.refusalOfUnknown(repository);
    if (refusal !== undefined) throw new ExcludedHere(repository, refusal);
  }

  #fetched(repository: RepositoryName, blob: BlobDescriptor): PullableBlob {
    return {
      ...blob,
      source: 'peer',
      open: (range, signal) =>
        this.#ask({ repository, digest: blob.digest }, () => this.options.fetches.read(blob, range, signal)),
    };
  }

  async #ask<T>(missing: Missing, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof PeerError) throw this.#notYet(missing, error);
      throw error;
    }
  }

  #notYet(missing: Missing, cause: unknown): RegistryError {
    const headers = { 'Retry-After': String(this.options.retryAfterSeconds()) };
    if (this.options.isPending(missing.repository)) {
      return new RegistryError('REPLICATION_PENDING', missing, { cause, headers });
    }
    return new RegistryError('UNAVAILABLE', missing, {
      cause,
      headers,
      message: 'not in this region, and the primary cannot be asked at the moment whether it exists',
    });
  }
}
