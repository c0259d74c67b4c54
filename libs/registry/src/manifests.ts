import type { ManifestDelete, ManifestPut } from '#libs/journal';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import { keys, type ObjectStore, partsOfKey } from '#libs/storage';
import { putOver, type SeqCodec, SeqRegisters, type Sequenced } from './seq-register.js';

/** A manifest as a region keeps it: exact bytes, and what its entry said of it, so that nobody has to parse it again. */
export interface ManifestRecord {
  readonly mediaType: string;
  readonly content: Uint8Array;
  readonly blobs: readonly BlobDescriptor[];
  readonly children: readonly Digest[];
  readonly subject?: Digest;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const NEWLINE = 0x0a;

interface Header {
  readonly seq: number;
  readonly manifest?: Omit<ManifestRecord, 'content'>;
  readonly evicted?: true;
}

/** As stored: a line of JSON, then the manifest's bytes. A tombstone is the line alone, with no `manifest` in it. */
const codec: SeqCodec<ManifestRecord> = {
  encode: ({ seq, value, evicted }) => {
    if (value === undefined) return Buffer.from(`${JSON.stringify({ seq, evicted })}\n`);
    const { content, ...manifest } = value;
    return Buffer.concat([Buffer.from(`${JSON.stringify({ seq, manifest })}\n`), content]);
  },
  decode: (bytes) => {
    const end = bytes.indexOf(NEWLINE);
    const line = Buffer.from(bytes.subarray(0, end)).toString();
    const { seq, manifest, evicted } = JSON.parse(line) as Header;
    const value = manifest === undefined ? undefined : { ...manifest, content: bytes.subarray(end + 1) };
    return { seq, value, ...(evicted === undefined ? {} : { evicted }) };
  },
};

/** A manifest as it is stored, right or wrong. */
export interface StoredManifest {
  readonly etag: string;
  readonly bytes: number;
  /** `undefined` if it cannot be read. */
  readonly state: Sequenced<ManifestRecord> | undefined;
}

/** The manifests of a region, by repository and digest. */
export class Manifests {
  readonly #registers: SeqRegisters<ManifestRecord>;

  constructor(private readonly store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  /** The live manifest or its tombstone; `undefined` if there never was one. */
  state(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<Sequenced<ManifestRecord> | undefined> {
    return this.#registers.get(keys.manifest(repository, digest), signal);
  }

  /** The live manifest. */
  async find(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ManifestRecord | undefined> {
    return (await this.state(repository, digest, signal))?.value;
  }

  /** Every digest that has a key, live or not, a page at a time. */
  async *digests(repository: RepositoryName, signal: AbortSignal): AsyncIterable<readonly Digest[]> {
    const prefix = keys.manifestsOf(repository);
    let startAfter: string | undefined;
    for (;;) {
      const after = startAfter === undefined ? {} : { startAfter };
      const page = await this.store.list({ prefix, limit: 1_000, ...after }, signal);
      yield page.objects.map(({ key }) => partsOfKey(key).digest);
      startAfter = page.objects.at(-1)?.key;
      if (!page.more || startAfter === undefined) return;
    }
  }

  /** What is stored, unchecked; `undefined` if there never was anything. */
  async inspect(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<StoredManifest | undefined> {
    const found = await this.store.read(keys.manifest(repository, digest), signal);
    if (found === undefined) return undefined;
    return { etag: found.etag, bytes: found.size, state: readable(found.bytes) };
  }

  /** Puts what an entry made in the place of what is damaged. @returns false if that was replaced meanwhile */
  restore(
    entry: (ManifestPut | ManifestDelete) & { readonly seq: number },
    etag: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const value = entry.type === 'manifest.put' ? recordOf(entry) : undefined;
    const bytes = codec.encode({ seq: entry.seq, value });
    return putOver(this.store, keys.manifest(entry.repository, entry.digest), bytes, etag, signal);
  }

  /** Puts a state without a manifest in the place of a wrong one. @returns false if that was replaced meanwhile */
  clear(
    repository: RepositoryName,
    digest: Digest,
    wrong: { readonly etag: string },
    next: { readonly seq: number; readonly evicted?: true },
    signal: AbortSignal,
  ): Promise<boolean> {
    const bytes = codec.encode({ ...next, value: undefined });
    return putOver(this.store, keys.manifest(repository, digest), bytes, wrong.etag, signal);
  }

  /** What is there afterwards: the manifest, or the tombstone of a later delete. */
  put(seq: number, entry: ManifestPut, signal: AbortSignal): Promise<Sequenced<ManifestRecord>> {
    const key = keys.manifest(entry.repository, entry.digest);
    return this.#registers.create(key, { seq, value: recordOf(entry) }, signal);
  }

  /** The policy does not let the region have it. */
  evict(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<void> {
    return this.#registers.evict(keys.manifest(repository, digest), signal);
  }

  async delete(seq: number, repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<void> {
    await this.#registers.advance(keys.manifest(repository, digest), { seq, value: undefined }, signal);
  }
}

function recordOf(entry: ManifestPut): ManifestRecord {
  const { mediaType, blobs, children, subject, artifactType, annotations } = entry;
  return {
    mediaType,
    blobs,
    children,
    ...(subject === undefined ? {} : { subject }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    content: Buffer.from(entry.content),
  };
}

function readable(bytes: Uint8Array): Sequenced<ManifestRecord> | undefined {
  try {
    const state = codec.decode(bytes);
    const { seq, value } = state;
    return Number.isSafeInteger(seq) && (value === undefined || Array.isArray(value.blobs)) ? state : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
