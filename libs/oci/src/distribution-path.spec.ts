import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from './digest.js';
import {
  type DistributionRoute,
  formatDistributionPath,
  MAX_URL_LENGTH,
  parseDistributionPath,
  ROUTE_METHODS,
} from './distribution-path.js';
import { parseRepositoryName, parseTag } from './reference.js';
import { RegistryError } from './registry-error.js';

const DIGEST = digestOf('content');
const ID = '123e4567-e89b-42d3-a456-426614174000.mfxyz123.0123456789abcdefghijkl';

/** Legal names that look like the routes around them. */
const TRICKY = [
  'a/manifests/b',
  'a/blobs/uploads',
  'a/tags/list',
  'uploads',
  'v2',
  'blobs',
  'a/referrers',
  'list/tags',
];

function outcome(path: string, method = 'GET'): unknown {
  try {
    return parseDistributionPath(path, method);
  } catch (error) {
    return error instanceof RegistryError ? [error.status, error.code] : error;
  }
}

const routes: fc.Arbitrary<DistributionRoute> = fc
  .record({
    repository: fc
      .oneof(fc.constantFrom(...TRICKY), fc.stringMatching(/^[a-z0-9]{1,8}(?:[._/-][a-z0-9]{1,8}){0,3}$/))
      .map(parseRepositoryName),
    tag: fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/).map(parseTag),
    digest: fc.constantFrom(DIGEST, digestOf('content', 'sha512')),
    id: fc.uuid(),
  })
  .chain(({ repository, tag, digest, id }) =>
    fc.constantFrom<DistributionRoute>(
      { kind: 'base' },
      { kind: 'catalog' },
      { kind: 'tags', repository },
      { kind: 'manifest', repository, reference: { kind: 'tag', tag } },
      { kind: 'manifest', repository, reference: { kind: 'digest', digest } },
      { kind: 'blob', repository, digest },
      { kind: 'uploads', repository },
      { kind: 'upload', repository, id },
      { kind: 'referrers', repository, digest },
    ),
  );

describe('parseDistributionPath', () => {
  it('reads every route back that was written', () => {
    fc.assert(fc.property(routes, (route) => expect(outcome(formatDistributionPath(route))).toEqual(route)));
  });

  it.each(TRICKY)('finds the end of the name %s on every route', (repository) => {
    const tail = (suffix: string) => outcome(`/v2/${repository}/${suffix}`);
    expect(tail('manifests/list')).toMatchObject({ kind: 'manifest', repository, reference: { tag: 'list' } });
    expect(tail('manifests/uploads')).toMatchObject({ kind: 'manifest', repository, reference: { tag: 'uploads' } });
    expect(tail('tags/list')).toEqual({ kind: 'tags', repository });
    expect(tail(`blobs/${DIGEST}`)).toEqual({ kind: 'blob', repository, digest: DIGEST });
    expect(tail('blobs/uploads')).toEqual({ kind: 'uploads', repository });
    expect(tail('blobs/uploads/')).toEqual({ kind: 'uploads', repository });
    expect(tail(`blobs/uploads/${ID}`)).toEqual({ kind: 'upload', repository, id: ID });
    expect(tail(`referrers/${DIGEST}`)).toEqual({ kind: 'referrers', repository, digest: DIGEST });
  });

  it.each(['/v2', '/v2//', '/v1/', '/V2/', '/v2/x', '/v2/x/unknown/y', '/v2/_catalog/', '/v2/a/tags/list/', '', '*'])(
    'knows no route %j',
    (path) => expect(outcome(path)).toBeUndefined(),
  );

  it.each([
    ['UPPER', 'a//b', '-a', 'a/', 'a..b', 'a'.repeat(256), '_catalog/x'],
    ['%2e%2e%2f', '..%2f..%2fetc', '%00', '\\', 'a%2fb', '%c0%ae', '%61', '..', 'a/../b', 'é', ''],
  ])('refuses names like %j', (...names) => {
    for (const name of names) expect(outcome(`/v2/${name}/manifests/latest`)).toEqual([400, 'NAME_INVALID']);
  });

  it.each(['.x', 'x'.repeat(129), '', '%2e%2e', 'a%20b'])('knows the tag %j only as one that cannot be', (tag) => {
    expect(outcome(`/v2/a/manifests/${tag}`, 'PUT')).toEqual([400, 'MANIFEST_INVALID']);
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      expect(outcome(`/v2/a/manifests/${tag}`, method)).toEqual([404, 'MANIFEST_UNKNOWN']);
    }
  });

  it('decodes the colon of a digest and nothing else', () => {
    const digest = DIGEST.replace(':', '%3A');
    for (const encoded of [digest, digest.toLowerCase()]) {
      expect(outcome(`/v2/a/blobs/${encoded}`)).toEqual({ kind: 'blob', repository: 'a', digest: DIGEST });
      expect(outcome(`/v2/a/manifests/${encoded}`)).toMatchObject({ reference: { kind: 'digest', digest: DIGEST } });
      expect(outcome(`/v2/a/referrers/${encoded}`)).toMatchObject({ kind: 'referrers', digest: DIGEST });
    }
    expect(outcome(`/v2/a/blobs/${DIGEST.replace('sha', '%73ha')}`)).toEqual([400, 'DIGEST_INVALID']);
  });

  it.each([
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    `sha256:${'a'.repeat(63)}`,
    `SHA256:${'A'.repeat(64)}`,
    'sha256%3A%3A',
  ])('refuses the digest %s', (digest) => {
    for (const kind of ['blobs', 'manifests', 'referrers']) {
      expect(outcome(`/v2/a/${kind}/${digest}`)).toEqual([400, 'DIGEST_INVALID']);
    }
  });

  it.each([ID.toUpperCase(), '..', 'list', `${ID}x`, `%2e`])('knows no upload %s', (id) => {
    expect(outcome(`/v2/a/blobs/uploads/${id}`, 'PATCH')).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  });

  it('refuses a long URL before it reads it', () => {
    expect(outcome(`/v2/${'a/'.repeat(MAX_URL_LENGTH)}`)).toEqual([414, 'NAME_INVALID']);
  });

  it('throws nothing but RegistryError', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'v2',
        'blobs',
        'uploads',
        'manifests',
        'tags',
        'list',
        'referrers',
        '_catalog',
        '',
        '..',
        DIGEST,
        ID,
      ),
      fc.string(),
    );
    const paths = fc.oneof(
      fc.string(),
      fc.array(part).map((parts) => `/v2/${parts.join('/')}`),
    );
    fc.assert(
      fc.property(paths, fc.constantFrom('GET', 'PUT', 'PROPFIND'), (path, method) => {
        expect(outcome(path, method)).not.toBeInstanceOf(Error);
      }),
    );
  });

  it('lists methods for every kind of route', () => {
    fc.assert(fc.property(routes, (route) => expect(ROUTE_METHODS[route.kind]).not.toHaveLength(0)));
  });
});
