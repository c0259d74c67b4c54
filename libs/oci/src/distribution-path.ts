import { type Digest, parseDigest } from './digest.js';
import {
  findTag,
  formatReference,
  parseRepositoryName,
  parseTag,
  type Reference,
  type RepositoryName,
} from './reference.js';
import { RegistryError } from './registry-error.js';

/** What a request to the registry API is about (distribution-spec, Endpoints). */
export type DistributionRoute =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly repository: RepositoryName }
  | { readonly kind: 'manifest'; readonly repository: RepositoryName; readonly reference: Reference }
  | { readonly kind: 'blob'; readonly repository: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly repository: RepositoryName }
  | { readonly kind: 'upload'; readonly repository: RepositoryName; readonly id: string }
  | { readonly kind: 'referrers'; readonly repository: RepositoryName; readonly digest: Digest };

/** What may be done to each; anything else is 405 with these as `Allow`. */
export const ROUTE_METHODS: Readonly<Record<DistributionRoute['kind'], readonly string[]>> = {
  base: ['GET', 'HEAD'],
  catalog: ['GET', 'HEAD'],
  tags: ['GET', 'HEAD'],
  manifest: ['GET', 'HEAD', 'PUT', 'DELETE'],
  blob: ['GET', 'HEAD', 'DELETE'],
  uploads: ['POST'],
  upload: ['GET', 'HEAD', 'PATCH', 'PUT', 'DELETE'],
  referrers: ['GET', 'HEAD'],
};

/** Longer URLs are refused before anything else looks at them. */
export const MAX_URL_LENGTH = 8 * 1024;

const ROOT = '/v2/';
/** As a registry of ours gives them out: a UUID, when it began, and a seal. What it is worth, the registry looks at. */
const UPLOAD_ID =
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:\.[0-9a-z]{1,9}\.[A-Za-z0-9_-]{22})?$/;

/**
 * Reads a path as it came: percent-encoded, without its query. It is matched from its end, for a repository's name may
 * itself be `a/manifests/b` or `a/blobs/uploads`. Nothing is decoded, so no encoded slash or dot can become one; the one
 * exception is the colon of a digest, which some clients encode.
 *
 * A tag that cannot exist is `MANIFEST_INVALID` to those who PUT it and `MANIFEST_UNKNOWN` to everybody else.
 *
 * @returns `undefined` if there is no such route
 * @throws RegistryError `NAME_INVALID` · `DIGEST_INVALID` · `MANIFEST_INVALID` · `MANIFEST_UNKNOWN` · `BLOB_UPLOAD_UNKNOWN`
 */
export function parseDistributionPath(pathname: string, method: string): DistributionRoute | undefined {
  const known = remembered.get(pathname);
  if (known !== undefined) return known;
  const route = parsePath(pathname, method);
  if (route !== undefined && route.kind !== 'upload' && pathname.length <= LONGEST_REMEMBERED)
    remember(pathname, route);
  return route;
}

/**
 * What a path means does not depend on the method, which only decides how a wrong one is refused. The same few are asked
 * for again and again, by several who read them.
 */
const remembered = new Map<string, DistributionRoute>();
const MOST_REMEMBERED = 1_000;
const LONGEST_REMEMBERED = 300;

function remember(pathname: string, route: DistributionRoute): void {
  remembered.set(pathname, route);
  const [oldest] = remembered.keys();
  if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
}

function parsePath(pathname: string, method: string): DistributionRoute | undefined {
  if (pathname.length > MAX_URL_LENGTH) {
    throw new RegistryError('NAME_INVALID', undefined, { status: 414, message: 'the URL is too long' });
  }
  if (!pathname.startsWith(ROOT)) return undefined;
  if (pathname === ROOT) return { kind: 'base' };
  const segments = pathname.slice(ROOT.length).split('/');
  if (segments.length === 1) return segments[0] === '_catalog' ? { kind: 'catalog' } : undefined;
  return parseRepositoryRoute(segments, method);
}

function parseRepositoryRoute(segments: readonly string[], method: string): DistributionRoute | undefined {
  const [last = '', second = '', third = ''] = segments.toReversed();
  const repository = (suffixLength: number): RepositoryName =>
    parseRepositoryName(segments.slice(0, -suffixLength).join('/'));

  if (third === 'blobs' && second === 'uploads' && segments.length > 3) {
    const name = repository(3);
    return last === ''
      ? { kind: 'uploads', repository: name }
      : { kind: 'upload', repository: name, id: uploadId(last) };
  }
  if (segments.length < 3) return undefined;
  if (second === 'tags' && last === 'list') return { kind: 'tags', repository: repository(2) };
  if (second === 'blobs' && last === 'uploads') return { kind: 'uploads', repository: repository(2) };
  if (second === 'blobs') return { kind: 'blob', repository: repository(2), digest: parseDigest(decodeColon(last)) };
  if (second === 'manifests') {
    return { kind: 'manifest', repository: repository(2), reference: parseReferenceFor(method, decodeColon(last)) };
  }
  if (second === 'referrers') {
    return { kind: 'referrers', repository: repository(2), digest: parseDigest(decodeColon(last)) };
  }
  return undefined;
}

/** The path that {@link parseDistributionPath} reads as this route. */
export function formatDistributionPath(route: DistributionRoute): string {
  switch (route.kind) {
    case 'base':
      return ROOT;
    case 'catalog':
      return `${ROOT}_catalog`;
    case 'tags':
      return `${ROOT}${route.repository}/tags/list`;
    case 'manifest':
      return `${ROOT}${route.repository}/manifests/${formatReference(route.reference)}`;
    case 'blob':
      return `${ROOT}${route.repository}/blobs/${route.digest}`;
    case 'uploads':
      return `${ROOT}${route.repository}/blobs/uploads/`;
    case 'upload':
      return `${ROOT}${route.repository}/blobs/uploads/${route.id}`;
    case 'referrers':
      return `${ROOT}${route.repository}/referrers/${route.digest}`;
  }
}

function decodeColon(text: string): string {
  return text.replace(/%3a/i, ':');
}

function uploadId(text: string): string {
  if (!UPLOAD_ID.test(text)) throw new RegistryError('BLOB_UPLOAD_UNKNOWN');
  return text;
}

function parseReferenceFor(method: string, text: string): Reference {
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) };
  if (method === 'PUT') return { kind: 'tag', tag: parseTag(text) };
  const tag = findTag(text);
  if (tag === undefined) throw new RegistryError('MANIFEST_UNKNOWN', { tag: text.slice(0, 256) });
  return { kind: 'tag', tag };
}
