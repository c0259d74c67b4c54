import { describe, expect, it } from '@jest/globals';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { deriveClusterKey } from './cluster-key.js';
import { type GrantScope, grantAccessOf, issueGrant, MAX_GRANT_LIFE_MS, verifyGrant } from './grant.js';
import { parseRegionName } from './region.js';
import { MAX_TOKEN_LENGTH } from './signed-token.js';

const key = deriveClusterKey(new Uint8Array(32).fill(1), 'grant');
const NOW = 1_700_000_000_000;
const LIFE = 60_000;

const scope: GrantScope = {
  access: 'pull',
  repository: parseRepositoryName('team/app'),
  resource: { kind: 'manifest', reference: { kind: 'tag', tag: parseTag('v1') } },
  region: parseRegionName('eu'),
};
const digest = digestOf('content');

describe('a grant', () => {
  it('allows the request that it was issued for until it expires', () => {
    const grant = issueGrant(key, scope, NOW, LIFE);
    expect(verifyGrant(key, grant, scope, NOW + LIFE - 1)).toBe('ok');
    expect(verifyGrant(key, grant, scope, NOW + LIFE)).toBe('expired');
  });

  const blob: GrantScope = { ...scope, resource: { kind: 'blob', digest } };
  it.each<[string, GrantScope, GrantScope]>([
    ['another repository', scope, { ...scope, repository: parseRepositoryName('team/other') }],
    ['another region', scope, { ...scope, region: parseRegionName('us') }],
    ['a push', scope, { ...scope, access: 'push' }],
    [
      'another tag',
      scope,
      { ...scope, resource: { kind: 'manifest', reference: { kind: 'tag', tag: parseTag('v2') } } },
    ],
    [
      'a manifest of the same digest',
      blob,
      { ...scope, resource: { kind: 'manifest', reference: { kind: 'digest', digest } } },
    ],
    ['the referrers of the same digest', blob, { ...scope, resource: { kind: 'referrers', digest } }],
    ['another blob', blob, { ...scope, resource: { kind: 'blob', digest: digestOf('other') } }],
    ['the list of tags', scope, { ...scope, resource: { kind: 'tags' } }],
    ['an upload', scope, { ...scope, access: 'push', resource: { kind: 'upload' } }],
  ])('does not allow %s', (_what, granted, asked) => {
    expect(verifyGrant(key, issueGrant(key, granted, NOW, LIFE), asked, NOW)).toBe('mismatch');
  });

  it('of another cluster, or of another purpose, is none', () => {
    const grant = issueGrant(key, scope, NOW, LIFE);
    const foreign = deriveClusterKey(new Uint8Array(32).fill(2), 'grant');
    const tokenKey = deriveClusterKey(new Uint8Array(32).fill(1), 'region-token');
    expect(verifyGrant(foreign, grant, scope, NOW)).toBe('invalid');
    expect(verifyGrant(tokenKey, grant, scope, NOW)).toBe('invalid');
  });

  it.each([0, -1, Number.NaN, MAX_GRANT_LIFE_MS + 1])('cannot be issued for %d ms', (lifeMs) => {
    expect(() => issueGrant(key, scope, NOW, lifeMs)).toThrow(RangeError);
  });

  it('from far in the future is refused', () => {
    const grant = issueGrant(key, scope, NOW + 3_600_000, LIFE);
    expect(verifyGrant(key, grant, scope, NOW)).toBe('invalid');
  });

  it('fits the longest names', () => {
    const longest: GrantScope = {
      access: 'push',
      repository: parseRepositoryName('a'.repeat(255)),
      resource: { kind: 'referrers', digest: digestOf('x', 'sha512') },
      region: parseRegionName('r'.repeat(32)),
    };
    expect(issueGrant(key, longest, NOW, LIFE).length).toBeLessThanOrEqual(MAX_TOKEN_LENGTH);
  });
});

describe('grantAccessOf', () => {
  it.each([
    ['GET', 'manifest', 'pull'],
    ['HEAD', 'blob', 'pull'],
    ['PUT', 'manifest', 'push'],
    ['DELETE', 'blob', 'push'],
    ['GET', 'upload', 'push'],
    ['POST', 'upload', 'push'],
    ['POST', 'manifest', undefined],
    ['PROPFIND', 'upload', undefined],
  ] as const)('%s of a %s needs %s', (method, kind, access) => {
    expect(grantAccessOf(method, kind)).toBe(access);
  });
});
