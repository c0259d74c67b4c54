import { parsePolicy } from '#libs/geo';
import {
  type BlobDescriptor,
  type Digest,
  parseDigest,
  parseRepositoryName,
  parseTag,
  type RepositoryName,
  type Tag,
} from '#libs/oci';
import type { Change, Entry } from './entry.js';
import { JournalError } from './journal-error.js';

type Fields = Readonly<Record<string, unknown>>;

/** An entry as it was stored or sent. @throws JournalError `corrupt` for anything that is not one. */
export function parseEntry(value: unknown): Entry {
  try {
    const fields = object(value);
    return {
      ...parseChange(fields),
      seq: positive(fields.seq),
      epoch: positive(fields.epoch),
      timeMs: count(fields.timeMs),
    };
  } catch (cause) {
    throw new JournalError('corrupt', 'not an entry', { cause });
  }
}

function parseChange(fields: Fields): Change {
  if (fields.type === 'blobs.sweep') {
    const { cycle, blobs, links } = fields;
    return { type: 'blobs.sweep', cycle: text(cycle), blobs: list(blobs, digest), links: list(links, link) };
  }
  if (fields.type === 'policy.put') return { type: 'policy.put', policy: parsePolicy(fields.policy) };
  const repository = name(fields.repository);
  switch (fields.type) {
    case 'manifest.put':
      return {
        type: 'manifest.put',
        repository,
        digest: digest(fields.digest),
        mediaType: text(fields.mediaType),
        content: text(fields.content),
        blobs: list(fields.blobs, blob),
        children: list(fields.children, digest),
        ...optional('subject', fields.subject, digest),
        ...optional('artifactType', fields.artifactType, text),
        ...optional('annotations', fields.annotations, annotations),
        tags: list(fields.tags, tag),
      };
    case 'tag.delete':
      return { type: 'tag.delete', repository, tag: tag(fields.tag) };
    case 'manifest.delete':
      return {
        type: 'manifest.delete',
        repository,
        digest: digest(fields.digest),
        ...optional('subject', fields.subject, digest),
        tags: list(fields.tags, tag),
      };
    case 'blob.delete':
      return { type: 'blob.delete', repository, digest: digest(fields.digest) };
    default:
      throw new TypeError(`unknown type of entry ${JSON.stringify(fields.type)}`);
  }
}

function object(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('expected an object');
  return value as Fields;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('expected a string');
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError('expected a whole number');
  return value as number;
}

function positive(value: unknown): number {
  if (count(value) === 0) throw new TypeError('expected a number above zero');
  return value as number;
}

function list<T>(value: unknown, item: (value: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) throw new TypeError('expected a list');
  return value.map(item);
}

function optional<K extends string, T>(key: K, value: unknown, item: (value: unknown) => T): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: item(value) } as { [P in K]?: T });
}

function annotations(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(object(value)).map(([key, item]) => [key, text(item)]));
}

function blob(value: unknown): BlobDescriptor {
  const fields = object(value);
  return { digest: digest(fields.digest), size: count(fields.size) };
}

function link(value: unknown): { readonly repository: RepositoryName; readonly digest: Digest } {
  const fields = object(value);
  return { repository: name(fields.repository), digest: digest(fields.digest) };
}

const digest = (value: unknown): Digest => parseDigest(text(value));
const name = (value: unknown): RepositoryName => parseRepositoryName(text(value));
const tag = (value: unknown): Tag => parseTag(text(value));
