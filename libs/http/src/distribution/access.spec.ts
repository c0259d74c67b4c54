import { afterEach, describe, expect, it } from '@jest/globals';
import {
  GRANT_PARAMETER,
  type GrantResource,
  issueGrant,
  issueRegionToken,
  parseRegionName,
  type RegionName,
} from '#libs/geo';
import { parseReference, parseRepositoryName } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import {
  type Answer,
  ask,
  codesOf,
  MANIFEST,
  MANIFEST_DIGEST,
  putBlob,
  putManifest,
  startTestRegion,
  TEN_BYTES,
  TEN_DIGEST,
  type TestRegion,
  testKeys,
} from '../testing/index.js';

const repository = parseRepositoryName('team/app');
const here = parseRegionName('primary');
const UPLOADS = '/v2/team/app/blobs/uploads/';
const MANIFEST_PATH = '/v2/team/app/manifests/v1';
const TAGS = '/v2/team/app/tags/list';
const token = issueRegionToken(testKeys.regionToken, { kind: 'region', name: parseRegionName('north') }, systemClock);
const foreign = issueRegionToken(testKeys.grant, { kind: 'router' }, systemClock);
const V1: GrantResource = { kind: 'manifest', reference: parseReference('v1') };

interface Scope {
  readonly access?: 'pull' | 'push';
  readonly resource?: GrantResource;
  readonly region?: RegionName;
  readonly key?: Uint8Array;
  readonly atMs?: number;
}

function grantOf({ access = 'pull', resource = V1, region = here, key = testKeys.grant, atMs }: Scope): string {
  const grant = issueGrant(key, { access, repository, resource, region }, atMs ?? systemClock.now(), 60_000);
  return `${GRANT_PARAMETER}=${grant}`;
}

let region: TestRegion;
let sendTo: (method: string, path: string, headers?: Record<string, string | string[]>) => Promise<Answer>;
afterEach(() => region.close());

async function open(anonymousAccess: 'none' | 'pull' | 'push') {
  region = await startTestRegion({ anonymousAccess });
  sendTo = (method, path, headers = {}) => ask(region.origin, { method, path, headers });
}

describe('without credentials', () => {
  it.each([
    ['none', 401, 401],
    ['pull', 404, 401],
    ['push', 404, 202],
  ] as const)('and anonymous access for %s, reads are %d and writes are %d', async (anonymousAccess, reads, writes) => {
    await open(anonymousAccess);
    for (const method of ['GET', 'HEAD']) expect((await sendTo(method, MANIFEST_PATH)).status).toBe(reads);
    const write = await sendTo('POST', UPLOADS);
    expect(write.status).toBe(writes);
    if (writes === 401) {
      expect([codesOf(write), write.headers['www-authenticate']]).toEqual([['UNAUTHORIZED'], expect.any(String)]);
    }
  });

  it.each([
    '/v2/',
    '/v2/_catalog',
    TAGS,
    `/v2/team/app/referrers/${MANIFEST_DIGEST}`,
    `${UPLOADS}${'0'.repeat(8)}-0000-4000-8000-000000000000`,
  ])('nothing is told of %s where nobody may read', async (path) => {
    await open('none');
    expect((await sendTo('GET', path)).status).toBe(401);
  });
});

describe('with an Authorization that everybody may send', () => {
  it.each([
    ['Basic dXNlcjpwYXNz', 404],
    ['Bearer abc.def-ghi', 404],
    ['Basic ***', 401],
    [`Basic ${Buffer.from('no colon').toString('base64')}`, 401],
    [`Basic ${Buffer.from('a:\u0007').toString('base64')}`, 401],
    ['Digest x', 401],
    [`Meridian ${foreign}`, 401],
    [['Basic dXNlcjpwYXNz', 'Basic dXNlcjpwYXNz'], 401],
  ])('%j is answered %d', async (authorization, status) => {
    await open('push');
    expect((await sendTo('GET', MANIFEST_PATH, { authorization })).status).toBe(status);
  });
});

describe('with a token', () => {
  it("of the cluster's own, everything is allowed", async () => {
    await open('none');
    const headers = { authorization: `Meridian ${token}` };
    expect((await sendTo('POST', UPLOADS, headers)).status).toBe(202);
    expect((await sendTo('GET', '/v2/', headers)).status).toBe(200);
  });

  it('of another cluster, nothing is', async () => {
    await open('none');
    expect((await sendTo('GET', '/v2/', { authorization: `Meridian ${foreign}` })).status).toBe(401);
  });
});

describe('with a grant', () => {
  const otherTag: GrantResource = { kind: 'manifest', reference: parseReference('v2') };

  it.each<[string, string, string, Scope, number]>([
    ['a pull that it names', 'GET', MANIFEST_PATH, {}, 404],
    ['the same by HEAD', 'HEAD', MANIFEST_PATH, {}, 404],
    ['another method', 'PUT', MANIFEST_PATH, {}, 403],
    ['another tag', 'GET', MANIFEST_PATH, { resource: otherTag }, 403],
    ['another kind of thing', 'GET', TAGS, {}, 403],
    ['what no grant is for', 'GET', '/v2/_catalog', {}, 403],
    ['another region', 'GET', MANIFEST_PATH, { region: parseRegionName('north') }, 403],
    ['another time', 'GET', MANIFEST_PATH, { atMs: systemClock.now() - 120_000 }, 403],
    ['another cluster', 'GET', MANIFEST_PATH, { key: testKeys.regionToken }, 403],
    ['an upload that it names', 'POST', UPLOADS, { access: 'push', resource: { kind: 'upload' } }, 202],
    ['an upload that it may only see', 'POST', UPLOADS, { resource: { kind: 'upload' } }, 403],
  ])('for %s: %s', async (_, method, path, scope, status) => {
    await open('none');
    const answer = await sendTo(method, `${path}?${grantOf(scope)}`);
    expect(answer.status).toBe(status);
    if (status === 403) expect(codesOf(answer)).toEqual(['DENIED']);
  });

  it('the Authorization is nobody’s business here', async () => {
    await open('none');
    const answer = await sendTo('GET', `${MANIFEST_PATH}?${grantOf({})}`, { authorization: 'Basic ***' });
    expect(answer.status).toBe(404);
  });

  it('a wrong one is refused even where it was not needed', async () => {
    await open('push');
    expect((await sendTo('GET', `${MANIFEST_PATH}?${GRANT_PARAMETER}=1.x.y`)).status).toBe(403);
  });

  it('an upload goes on with the grant in its Location, until it is a blob', async () => {
    await open('none');
    const begun = await sendTo('POST', `${UPLOADS}?${grantOf({ access: 'push', resource: { kind: 'upload' } })}`);
    const { pathname, search } = new URL(String(begun.headers.location));
    expect(search).toMatch(new RegExp(`^\\?${GRANT_PARAMETER}=`));
    expect((await sendTo('GET', pathname)).status).toBe(401);
    expect((await sendTo('GET', pathname + search)).status).toBe(204);
    const path = `${pathname}${search}&digest=${TEN_DIGEST}`;
    expect((await ask(region.origin, { method: 'PUT', path, body: TEN_BYTES })).status).toBe(201);
  });

  it('a list of tags goes on with the grant in its Link', async () => {
    const filled = await startTestRegion();
    await putBlob(filled.origin, 'team/app', TEN_BYTES);
    for (const tag of ['v1', 'v2']) await putManifest(filled.origin, 'team/app', tag, MANIFEST);
    await filled.close();
    region = await startTestRegion({ anonymousAccess: 'none', store: filled.store });
    const first = await ask(region.origin, {
      method: 'GET',
      path: `${TAGS}?n=1&${grantOf({ resource: { kind: 'tags' } })}`,
    });
    const [, next = ''] = /^<(.*)>; rel="next"$/.exec(String(first.headers.link)) ?? [];
    const second = await ask(region.origin, { method: 'GET', path: next });
    expect([second.status, JSON.parse(second.body.toString()).tags]).toEqual([200, ['v2']]);
  });

  it('nothing is mounted from where its owner may not read', async () => {
    const filled = await startTestRegion();
    await putBlob(filled.origin, 'private', TEN_BYTES);
    await filled.close();
    region = await startTestRegion({ anonymousAccess: 'none', store: filled.store });
    const grant = grantOf({ access: 'push', resource: { kind: 'upload' } });
    const path = `${UPLOADS}?mount=${TEN_DIGEST}&from=private&${grant}`;
    expect((await ask(region.origin, { method: 'POST', path })).status).toBe(202);
  });
});
