import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePolicy } from '#libs/geo';
import { digestOf } from '#libs/oci';
import { startTestRegion, type TestRegion } from '../testing/index.js';

const digest = digestOf('anything');

const policy = parsePolicy({
  rules: [
    { regions: ['*'], repositories: 'secret/**', action: 'exclude', elsewhere: 'deny' },
    { regions: ['ap'], repositories: 'far/*', action: 'exclude' },
    { regions: ['ap'], repositories: 'mixed', tags: 'dev-*', action: 'exclude' },
    { regions: ['ap'], repositories: 'closed', tags: 'dev-*', action: 'exclude', elsewhere: 'deny' },
  ],
});

describe('a replica that must not have something', () => {
  let primary: TestRegion;
  let replica: TestRegion;

  beforeEach(async () => {
    primary = await startTestRegion({ anonymousAccess: 'none' });
    replica = await startTestRegion({ name: 'ap', primaryOrigin: primary.origin, policy });
  });

  afterEach(() => Promise.all([replica.close(), primary.close()]));

  const ask = (method: string, path: string) => fetch(`${replica.origin}${path}`, { method, redirect: 'manual' });

  it.each([
    ['GET', '/v2/secret/app/manifests/v1'],
    ['HEAD', '/v2/secret/app/manifests/v1'],
    ['GET', `/v2/secret/app/manifests/${digest}`],
    ['GET', `/v2/secret/app/blobs/${digest}`],
    ['GET', '/v2/secret/app/tags/list'],
    ['GET', `/v2/secret/app/referrers/${digest}`],
    ['POST', '/v2/secret/app/blobs/uploads/'],
    ['PUT', '/v2/secret/app/manifests/v1'],
  ])('denies %s %s, and says by which rule', async (method, path) => {
    const answer = await ask(method, path);
    expect(answer.status).toBe(403);
    if (method === 'HEAD') return;
    const { errors } = (await answer.json()) as { errors: readonly object[] };
    expect(errors).toMatchObject([{ code: 'DENIED', detail: { region: 'ap', rule: 0, name: 'secret/app' } }]);
    expect(JSON.stringify(errors)).toContain('policy');
  });

  it.each([
    ['GET', '/v2/far/app/manifests/v1'],
    ['GET', `/v2/far/app/blobs/${digest}`],
    ['HEAD', `/v2/far/app/blobs/${digest}`],
    ['GET', '/v2/far/app/tags/list?n=5'],
    ['POST', '/v2/far/app/blobs/uploads/'],
    ['GET', '/v2/mixed/manifests/dev-7'],
  ])('sends %s %s to the primary, with a grant that lets it in there', async (method, path) => {
    const answer = await ask(method, path);
    expect(answer.status).toBe(307);
    const location = new URL(answer.headers.get('location') ?? '');
    expect(location.origin).toBe('http://primary.test');
    const there = `${primary.origin}${location.pathname}${location.search}`;
    expect([200, 202, 404]).toContain((await fetch(there, { method })).status);
    expect((await fetch(`${primary.origin}${path}`, { method })).status).toBe(401);
    expect(location.pathname + location.search).toContain(path);
  });

  it.each([
    [`/v2/mixed/manifests/${digest}`, 307],
    ['/v2/mixed/manifests/v1', 503],
    [`/v2/closed/manifests/${digest}`, 503],
    ['/v2/secret/app/manifests/v1', 403],
  ])('does not let %s through because a state is asked for that has not come here', async (path, status) => {
    const headers = { 'meridian-min-sequence': '5' };
    expect((await fetch(`${replica.origin}${path}`, { headers, redirect: 'manual' })).status).toBe(status);
  });

  it.each([
    ['/v2/mixed/manifests/v1', 404],
    ['/v2/near/app/manifests/v1', 404],
    ['/v2/', 200],
  ])('answers %s itself', async (path, status) => {
    expect((await ask('GET', path)).status).toBe(status);
  });
});
