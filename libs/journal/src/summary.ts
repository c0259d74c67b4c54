import { createHash } from 'node:crypto';
import type { Glob } from '#libs/geo';
import { type Digest, parseDigest, parseRepositoryName, parseTag, type RepositoryName, type Tag } from '#libs/oci';
import type { Entry, ManifestDelete, ManifestPut } from './entry.js';
import { JournalError } from './journal-error.js';

/**
 * The state of one thing in a region: what the journal came to there, by the region's own bucket. `seq`: the entry that set
 * it, 0 if that is not known.
 */
export type SummaryItem =
  /** The repository is in the catalog. */
  | { readonly kind: 'repository'; readonly seq: 0; readonly live: boolean }
  | {
      readonly kind: 'manifest';
      readonly digest: Digest;
      readonly seq: number;
      readonly live: boolean;
      /** Blobs that it names and that are not stored here, or not linked, in the order of their digests. */
      readonly missing: readonly Digest[];
    }
  | {
      readonly kind: 'referrer';
      readonly subject: Digest;
      readonly digest: Digest;
      readonly seq: number;
      readonly live: boolean;
    }
  /** Without a digest it is deleted. */
  | { readonly kind: 'tag'; readonly tag: Tag; readonly seq: number; readonly digest?: Digest };

/** Of a repository's things, which of 256 heaps. */
export type Bucket = string;

/** In short, what a region holds; whoever holds the same says the same. */
export interface RegionSummary {
  readonly digest: Digest;
  readonly repositories: number;
  /** Every entry up to here is applied in that region: what it says of them is what they came to. */
  readonly upTo: number;
}

export interface RepositorySummary {
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

/** A manifest's place, as the entry that put or deleted it. */
export type ManifestEntry = Entry & (ManifestPut | ManifestDelete);

/** Whether a repository may read a blob, and the entry that says so. */
export interface LinkPlace {
  readonly digest: Digest;
  readonly seq: number;
  readonly live: boolean;
}

/**
 * What a region holds, as a tree of digests: the region, its repositories, 256 buckets of each, the things in these. Each
 * digest is over what is live and was set by an entry up to `position`; so two regions that have both applied what comes
 * before it agree, whatever is applied meanwhile, but for what later entries have moved. Those are seen by their items, which
 * are always as they are now, deleted ones among them.
 */
export interface SummarySource {
  region(position: number, signal: AbortSignal): Promise<RegionSummary>;
  /** In the order of their names. */
  repositories(position: number, signal: AbortSignal): AsyncIterable<RepositorySummary>;
  /** Those that hold anything live. */
  buckets(repository: RepositoryName, position: number, signal: AbortSignal): Promise<ReadonlyMap<Bucket, Digest>>;
  /** Things of some buckets, or of all, in the order of {@link compareItems}. */
  items(
    repository: RepositoryName,
    buckets: ReadonlySet<Bucket> | undefined,
    signal: AbortSignal,
  ): AsyncIterable<SummaryItem>;
  /** What there is of a manifest, whole; `undefined` if there never was anything, or it cannot be read. */
  manifest(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ManifestEntry | undefined>;
  /** The links of the blobs that a manifest names, in any order; not those that stand there by no entry. */
  links(repository: RepositoryName, manifest: Digest, signal: AbortSignal): AsyncIterable<LinkPlace>;
  /** Up to where everything is applied there, now. */
  upTo(signal: AbortSignal): Promise<number>;
  /**
   * Reads again what some repositories hold, or all: each manifest, and each blob that they name, once. What is damaged is
   * quarantined there, and fetched anew.
   */
  rehash(repositories: Glob | undefined, signal: AbortSignal): AsyncIterable<RehashedObject>;
}

/** Something whose bytes were read again. */
export interface RehashedObject {
  readonly kind: 'manifest' | 'blob';
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly size: number;
  /** What was found instead; absent if the bytes are right. */
  readonly damage?: string;
}

/** What an item is about, unlike any other of its repository. */
export function itemName(item: SummaryItem): string {
  switch (item.kind) {
    case 'repository':
      return 'repository';
    case 'manifest':
      return item.digest;
    case 'referrer':
      return `${item.subject} ${item.digest}`;
    case 'tag':
      return item.tag;
  }
}

const ORDER: Readonly<Record<SummaryItem['kind'], number>> = { repository: 0, manifest: 1, referrer: 2, tag: 3 };

/** What leads to something comes after it. Names are ASCII: the order of their code units is that of keys. */
export function compareItems(a: SummaryItem, b: SummaryItem): number {
  if (a.kind !== b.kind) return ORDER[a.kind] - ORDER[b.kind];
  const [left, right] = [itemName(a), itemName(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

export function bucketOf(item: SummaryItem): Bucket {
  return createHash('sha256')
    .update(`${item.kind} ${itemName(item)}`)
    .digest('hex')
    .slice(0, 2);
}

export function isLive(item: SummaryItem): boolean {
  return item.kind === 'tag' ? item.digest !== undefined : item.live;
}

/** What two regions must agree on. */
export function itemLine(item: SummaryItem): string {
  const name = `${item.kind} ${itemName(item)} ${item.seq}`;
  if (item.kind === 'tag') return `${name} ${item.digest ?? 'deleted'}`;
  if (!item.live) return `${name} deleted`;
  return item.kind === 'manifest' ? [name, ...item.missing].join(' ') : name;
}

/** @throws JournalError `corrupt` for anything that is no item */
export function parseSummaryItem(value: unknown): SummaryItem {
  try {
    return parse(value as Readonly<Record<string, unknown>>);
  } catch (cause) {
    throw new JournalError('corrupt', 'not an item of a summary', { cause });
  }
}

function parse(value: Readonly<Record<string, unknown>>): SummaryItem {
  const [seq, live] = [count(value.seq), value.live === true];
  const digest = (field: string): Digest => parseDigest(String(value[field]));
  switch (value.kind) {
    case 'repository':
      return { kind: 'repository', seq: 0, live };
    case 'manifest': {
      const missing = (value.missing as readonly unknown[]).map((each) => parseDigest(String(each)));
      return { kind: 'manifest', digest: digest('digest'), seq, live, missing };
    }
    case 'referrer':
      return { kind: 'referrer', subject: digest('subject'), digest: digest('digest'), seq, live };
    case 'tag': {
      const target = value.digest === undefined ? {} : { digest: digest('digest') };
      return { kind: 'tag', tag: parseTag(String(value.tag)), seq, ...target };
    }
    default:
      throw new TypeError(`unknown kind of item ${String(value.kind)}`);
  }
}

/** @throws JournalError `corrupt` */
export function parseRepositorySummary(value: unknown): RepositorySummary {
  try {
    const { repository, digest } = value as { readonly repository: unknown; readonly digest: unknown };
    return { repository: parseRepositoryName(String(repository)), digest: parseDigest(String(digest)) };
  } catch (cause) {
    throw new JournalError('corrupt', 'not the summary of a repository', { cause });
  }
}

/** @throws JournalError `corrupt` */
export function parseLinkPlace(value: unknown): LinkPlace {
  try {
    const { digest, seq, live } = value as Readonly<Record<string, unknown>>;
    if (typeof live !== 'boolean') throw new TypeError('a link holds or has ended');
    return { digest: parseDigest(String(digest)), seq: count(seq), live };
  } catch (cause) {
    throw new JournalError('corrupt', 'not the place of a link', { cause });
  }
}

/** @throws JournalError `corrupt` */
export function parseRehashedObject(value: unknown): RehashedObject {
  try {
    const { kind, repository, digest, size, damage } = value as Readonly<Record<string, unknown>>;
    if (kind !== 'manifest' && kind !== 'blob') throw new TypeError('unknown kind of object');
    const wrong = damage === undefined ? {} : { damage: String(damage).slice(0, MAX_DAMAGE_LENGTH) };
    return {
      ...{ kind, repository: parseRepositoryName(String(repository)), digest: parseDigest(String(digest)) },
      ...{ size: count(size), ...wrong },
    };
  } catch (cause) {
    throw new JournalError('corrupt', 'not an object that was read again', { cause });
  }
}

const MAX_DAMAGE_LENGTH = 1_000;

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError('expected a whole number');
  return value as number;
}
