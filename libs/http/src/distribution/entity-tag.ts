import type { IncomingMessage } from 'node:http';
import { type Digest, findDigest, RegistryError } from '#libs/oci';
import type { NamedDigests, Precondition } from '#libs/registry';
import { headerOf } from '../exchange.js';

/** What a digest is as an entity tag (RFC 9110, 8.8.3): content that has a digest never changes. */
export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

/** Whether `If-None-Match` names what would be sent: then it need not be. One that is not understood names nothing. */
export function isKnown(ifNoneMatch: string | undefined, digest: Digest): boolean {
  if (ifNoneMatch === undefined) return false;
  const named = findEntityTags(ifNoneMatch);
  return named === 'any' || named?.some((tag) => tag.digest === digest) === true;
}

/**
 * What must be true for a change (RFC 9110, 13.1). `If-Match` compares strongly: a weak tag equals nothing. A tag that is
 * no digest is well-formed, and nobody's. @throws RegistryError `UNSUPPORTED` for a condition that is not understood: to
 * ignore it would do what the client ruled out
 */
export function preconditionOf(request: IncomingMessage): Precondition | undefined {
  const ifMatch = headerOf(request, 'if-match');
  const ifNoneMatch = headerOf(request, 'if-none-match');
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return {
    ...(ifMatch === undefined ? {} : { match: named('If-Match', ifMatch, ({ weak }) => !weak) }),
    ...(ifNoneMatch === undefined ? {} : { noneMatch: named('If-None-Match', ifNoneMatch, () => true) }),
  };
}

function named(header: string, value: string, counts: (tag: EntityTag) => boolean): NamedDigests {
  const tags = findEntityTags(value);
  if (tags === undefined) {
    const message = `${header} is neither * nor a list of entity tags like "sha256:…"`;
    throw new RegistryError('UNSUPPORTED', { header, value }, { status: 400, message });
  }
  return tags === 'any' ? tags : tags.filter(counts).flatMap(({ digest }) => digest ?? []);
}

interface EntityTag {
  readonly weak: boolean;
  readonly digest: Digest | undefined;
}

/** `"…"` or `W/"…"`, and what many people write: a digest without quotes. */
const ENTITY_TAG = /[ \t]*(W\/)?(?:"([\x21\x23-\x7e\x80-\xff]*)"|([a-z0-9]+:[a-z0-9]+))[ \t]*(?:,|$)/y;

/** `undefined` for what is neither `*` nor a list of entity tags. */
function findEntityTags(header: string): 'any' | readonly EntityTag[] | undefined {
  if (header.trim() === '*') return 'any';
  const tags: EntityTag[] = [];
  ENTITY_TAG.lastIndex = 0;
  for (let at = 0; at < header.length || tags.length === 0; at = ENTITY_TAG.lastIndex) {
    const match = ENTITY_TAG.exec(header);
    if (match === null) return undefined;
    tags.push({ weak: match[1] !== undefined, digest: findDigest(match[2] ?? match[3] ?? '') });
  }
  return tags;
}
