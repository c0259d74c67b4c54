import { hash } from 'node:crypto';
import { keys, type ObjectStat, type ObjectStore } from '#libs/storage';
import { onceFor } from './once-for.js';
import type { CheckedRule } from './policy-kept.js';

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
  /**
   * The policy that the region knows, those that it knew before and had not followed, and the one that all of it follows: what
   * any keeps from it, it shows to nobody.
   */
  readonly policies: readonly (readonly CheckedRule[])[];
  readonly watermark: number;
  readonly beyond: readonly number[];
  /** From where on the region says that its processes followed the journal; before it a snapshot may stand for that. */
  readonly followedFrom?: number;
}

export async function readRegionState(store: ReadableStore): Promise<RegionState> {
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
  for await (const { name, bytes } of objects(store, 'catalog/')) {
    if (!Buffer.from(bytes).toString().trimEnd().endsWith('removed')) catalog.push(name);
  }
  const blobs = new Map<string, boolean>();
  for await (const { name, bytes } of objects(store, 'blobs/')) {
    const [algorithm = '', , hex = ''] = name.split('/');
    const { data, size, state, inline } = blobRecord(bytes);
    if (state !== 'live' && state !== 'condemned') continue;
    const content = inline.length === size ? inline : (await store.read(data, forever))?.bytes;
    blobs.set(`${algorithm}:${hex}`, content !== undefined && hashed(algorithm, content) === hex);
  }
  const policies = await readPolicies(store);
  return { tags, manifests, links, referrers, catalog, blobs, policies, ...(await readProgress(store)) };
}

interface CheckedPolicy {
  readonly rules: readonly CheckedRule[];
}

async function readPolicies(store: ReadableStore): Promise<readonly (readonly CheckedRule[])[]> {
  const [current, enforced] = [await readPolicy(store, keys.policy), await readPolicy(store, keys.policyEnforced)];
  const unfinished = current.seq > enforced.seq ? (current.unfinished ?? []) : [];
  return [current.policy, enforced.policy, ...unfinished].map((policy) => policy?.rules ?? []);
}

async function readPolicy(store: ReadableStore, key: string) {
  const found = await store.read(key, forever);
  if (found === undefined) return { seq: 0 };
  return decode<{ seq: number; policy?: CheckedPolicy; unfinished?: readonly CheckedPolicy[] }>(found.bytes);
}

type Progress = Pick<RegionState, 'watermark' | 'beyond' | 'followedFrom'>;

/** What the region says it has applied. */
export async function readProgress(store: ReadableStore): Promise<Progress> {
  const progress = await store.read(keys.progress, forever);
  if (progress === undefined) return { watermark: 0, beyond: [] };
  const { watermark, beyond, followedFrom } = decode<Progress>(progress.bytes);
  return { watermark, beyond, ...(followedFrom === undefined ? {} : { followedFrom }) };
}

const parsed = onceFor((bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown);

function decode<T>(bytes: Uint8Array): T {
  return parsed(bytes) as T;
}

const blobRecord = onceFor((bytes) => {
  const end = bytes.indexOf(0x0a);
  const header = decode<{ data: string; size: number; state: string }>(bytes.subarray(0, end));
  return { ...header, inline: bytes.subarray(end + 1) };
});

const manifestRecord = onceFor((bytes) => {
  const end = bytes.indexOf(0x0a);
  const { seq, manifest } = decode<{ seq: number; manifest?: { blobs: { digest: string }[]; children: string[] } }>(
    bytes.subarray(0, end),
  );
  const blobs = manifest?.blobs.map(({ digest }) => digest) ?? [];
  return {
    seq,
    live: manifest !== undefined,
    blobs,
    children: manifest?.children ?? [],
    content: bytes.subarray(end + 1),
  };
});

function manifestState(name: string, bytes: Uint8Array): ManifestState {
  const { content, ...state } = manifestRecord(bytes);
  const [, algorithm = '', hex = ''] = /@([^:]+):(.+)$/.exec(name) ?? [];
  return { ...state, whole: !state.live || hashed(algorithm, content) === hex };
}

const sha256 = onceFor((bytes) => hash('sha256', bytes, 'hex'));

function hashed(algorithm: string, bytes: Uint8Array): string {
  return algorithm === 'sha256' ? sha256(bytes) : hash(algorithm, bytes, 'hex');
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
