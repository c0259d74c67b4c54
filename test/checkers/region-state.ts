import { createHash } from 'node:crypto';
import { keys, type ObjectStat, type ObjectStore } from '#libs/storage';

const forever = new AbortController().signal;

/** What is needed of a store to say what is in it. */
export type ReadableStore = Pick<ObjectStore, 'list' | 'read'>;

export interface TagState {
  readonly seq: number;
  readonly digest: string | undefined;
}

export interface ManifestState {
  readonly seq: number;
  readonly live: boolean;
  readonly blobs: readonly string[];
  readonly children: readonly string[];
  /** Whether its bytes hash to its digest. */
  readonly whole: boolean;
}

/** What a bucket says, read with nothing of the product but its keys, so that one cannot hide a mistake of the other. */
export interface RegionState {
  /** By `<repository>:<tag>`. */
  readonly tags: ReadonlyMap<string, TagState>;
  /** By `<repository>@<digest>`; also links and referrers. */
  readonly manifests: ReadonlyMap<string, ManifestState>;
  readonly links: ReadonlyMap<string, { readonly seq: number; readonly live: boolean }>;
  readonly referrers: ReadonlyMap<string, readonly { readonly seq: number; readonly digest: string }[]>;
  readonly catalog: readonly string[];
  /** Digests with a record, and whether the bytes are there and hash to it. */
  readonly blobs: ReadonlyMap<string, boolean>;
  readonly watermark: number;
  readonly beyond: readonly number[];
}

export async function readRegionState(store: ReadableStore): Promise<RegionState> {
  const decode = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T;
  const tags = new Map<string, TagState>();
  for await (const { name, bytes } of objects(store, 'tags/')) {
    const { seq, digest } = decode<{ seq: number; digest?: string }>(bytes);
    tags.set(name.replace('/:', ':'), { seq, digest });
  }
  const manifests = new Map<string, ManifestState>();
  for await (const { name, bytes } of objects(store, 'manifests/')) {
    manifests.set(name.replace('/@', '@'), manifestState(name, bytes));
  }
  const links = new Map<string, { seq: number; live: boolean }>();
  for await (const { name, bytes } of objects(store, 'links/')) {
    const { seq, live } = decode<{ seq: number; live?: boolean }>(bytes);
    links.set(name.replace('/@', '@'), { seq, live: live === true });
  }
  const referrers = new Map<string, { seq: number; digest: string }[]>();
  for await (const { name, bytes } of objects(store, 'referrers/')) {
    const list = decode<{ seq: number; descriptor?: { digest: string } }[]>(bytes);
    const live = list.flatMap(({ seq, descriptor }) =>
      descriptor === undefined ? [] : [{ seq, digest: descriptor.digest }],
    );
    referrers.set(name.replace('/@', '@'), live);
  }
  const catalog: string[] = [];
  for await (const { name } of objects(store, 'catalog/')) catalog.push(name);
  const blobs = new Map<string, boolean>();
  for await (const { name, bytes } of objects(store, 'blobs/')) {
    const [algorithm = '', , hex = ''] = name.split('/');
    const end = bytes.indexOf(0x0a);
    const { data, size, state } = decode<{ data: string; size: number; state: string }>(bytes.subarray(0, end));
    if (state !== 'live' && state !== 'condemned') continue;
    const inline = bytes.subarray(end + 1);
    const content = inline.length === size ? inline : (await store.read(data, forever))?.bytes;
    blobs.set(`${algorithm}:${hex}`, content !== undefined && hashed(algorithm, content) === hex);
  }
  const progress = await store.read(keys.progress, forever);
  const { watermark, beyond } =
    progress === undefined
      ? { watermark: 0, beyond: [] }
      : decode<{ watermark: number; beyond: readonly number[] }>(progress.bytes);
  return { tags, manifests, links, referrers, catalog, blobs, watermark, beyond };
}

function manifestState(name: string, bytes: Uint8Array): ManifestState {
  const end = bytes.indexOf(0x0a);
  const line = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as {
    seq: number;
    manifest?: { blobs: { digest: string }[]; children: string[] };
  };
  const [, algorithm = '', hex = ''] = /@([^:]+):(.+)$/.exec(name) ?? [];
  const blobs = line.manifest?.blobs.map(({ digest }) => digest) ?? [];
  const whole = line.manifest === undefined || hashed(algorithm, bytes.subarray(end + 1)) === hex;
  return { seq: line.seq, live: line.manifest !== undefined, blobs, children: line.manifest?.children ?? [], whole };
}

function hashed(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

export async function* objects(
  store: ReadableStore,
  prefix: string,
): AsyncGenerator<{ readonly name: string; readonly bytes: Uint8Array }> {
  let last: string | undefined;
  for (;;) {
    const request = { prefix, limit: 1_000, ...(last === undefined ? {} : { startAfter: last }) };
    const page: { objects: readonly ObjectStat[]; more: boolean } = await store.list(request, forever);
    for (const { key } of page.objects) {
      const found = await store.read(key, forever);
      if (found !== undefined) yield { name: key.slice(prefix.length), bytes: found.bytes };
      last = key;
    }
    if (!page.more) return;
  }
}
