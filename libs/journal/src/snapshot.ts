import {
  type Digest,
  digestOf,
  parseDigest,
  parseRepositoryName,
  parseTag,
  type RepositoryName,
  type Tag,
} from '#libs/oci';
import type { Entry, ManifestPut, Position } from './entry.js';
import { JournalError } from './journal-error.js';
import { parseEntry } from './parse-entry.js';

/** A manifest that is live, at the place of the entry that says so, and each tag that points at it, at its own place. */
export interface SnapshotImage {
  readonly kind: 'image';
  readonly entry: SnapshotManifest;
  readonly tags: readonly { readonly tag: Tag; readonly seq: number }[];
}

export type SnapshotManifest = Extract<Entry, ManifestPut>;

/**
 * What a snapshot consists of: the journal up to some place, without what later entries made void. `repository`: one that
 * is in the catalog, whatever is left in it. `entry`: any other entry that is still in effect.
 */
export type SnapshotRecord =
  | SnapshotImage
  | { readonly kind: 'repository'; readonly repository: RepositoryName }
  | { readonly kind: 'entry'; readonly entry: Entry };

/** Some of a snapshot's records, as one object of lines of JSON. */
export interface SnapshotPart {
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
  /** The newest place of any image in it; parts with newer images come first. */
  readonly newestSeq: number;
}

/** What a snapshot is, written when all of its parts are. */
export interface SnapshotHeader {
  /** The place in the journal up to which all that is in effect is in it. */
  readonly position: Position;
  readonly takenMs: number;
  readonly images: number;
  /** Of all blobs that its images need, each counted once. */
  readonly bytes: number;
  /** Those with the newest images first. */
  readonly parts: readonly SnapshotPart[];
}

/** Bytes of a part at the most: it is read whole. A part ends soon after its first four mebibytes, with a whole record. */
export const MAX_SNAPSHOT_PART_BYTES = 32 * 1024 * 1024;

const VERSION = 1;

export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  return Buffer.from(JSON.stringify({ version: VERSION, ...header }));
}

/** @throws JournalError `corrupt` */
export function parseSnapshotHeader(value: unknown): SnapshotHeader {
  return orCorrupt('not a header of a snapshot', () => {
    const header = value as SnapshotHeader & { readonly version: number };
    const { position, parts, takenMs, images, bytes } = header;
    if (header.version !== VERSION) throw new TypeError(`unknown version ${header.version}`);
    const { seq, epoch, timeMs, chain } = position;
    return {
      position: {
        seq: count(seq),
        epoch: count(epoch),
        timeMs: count(timeMs),
        chain: chain === undefined ? undefined : parseDigest(chain),
      },
      ...{ takenMs: count(takenMs), images: count(images), bytes: count(bytes) },
      parts: parts.map(parsePart),
    };
  });
}

export function encodeSnapshotRecord(record: SnapshotRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The records of a part. @throws JournalError `corrupt` unless the bytes are that very part */
export function readSnapshotPart(part: SnapshotPart, bytes: Uint8Array): readonly SnapshotRecord[] {
  if (digestOf(bytes) !== part.digest) throw new JournalError('corrupt', `part ${part.name} is not what it should be`);
  const lines = Buffer.from(bytes).toString().split('\n').slice(0, -1);
  return lines.map((line) => orCorrupt('not a record of a snapshot', () => parseRecord(JSON.parse(line))));
}

function parseRecord(value: unknown): SnapshotRecord {
  const record = value as { readonly kind: string; readonly [field: string]: unknown };
  switch (record.kind) {
    case 'repository':
      return { kind: 'repository', repository: parseRepositoryName(String(record.repository)) };
    case 'entry':
      return { kind: 'entry', entry: parseEntry(record.entry) };
    case 'image': {
      const entry = parseEntry(record.entry);
      if (entry.type !== 'manifest.put') throw new TypeError('an image without a manifest');
      const tags = record.tags as readonly { readonly tag: string; readonly seq: number }[];
      return { kind: 'image', entry, tags: tags.map(({ tag, seq }) => ({ tag: parseTag(tag), seq: count(seq) })) };
    }
    default:
      throw new TypeError(`unknown kind of record ${record.kind}`);
  }
}

/** Names of parts become keys: nothing else than what a writer makes is one. */
export function isSnapshotPartName(name: string): boolean {
  return /^[0-9a-f-]{36}-\d{1,8}$/.test(name);
}

function parsePart(part: SnapshotPart): SnapshotPart {
  if (!isSnapshotPartName(part.name)) throw new TypeError('not the name of a part');
  const [size, newestSeq] = [count(part.size), count(part.newestSeq)];
  return { name: part.name, digest: parseDigest(part.digest), size, newestSeq };
}

function count(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError('expected a whole number');
  return value;
}

function orCorrupt<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new JournalError('corrupt', what, { cause });
  }
}
