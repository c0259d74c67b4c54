import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GRANT_PARAMETER, issueGrant, parseRegionName } from '#libs/geo';
import { MEDIA_TYPES, parseRepositoryName } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import {
  ask,
  codesOf,
  MANIFEST,
  MANIFEST_DIGEST,
  putBlob,
  putSample,
  startTestRegion,
  TEN_BYTES,
  TEN_DIGEST,
  type TestRegion,
  talk,
  testKeys,
} from '../testing/index.js';

const UPLOADS = '/v2/team/app/blobs/uploads/';
const HOST = { host: 'north.test' };

/** Admits nobody but the cluster's own: what the replica passes on has to prove itself. */
const PRIMARY = { anonymousAccess: 'none' } as const;

let primary: TestRegion;
let replica: TestRegion;
beforeEach(async () => {
  primary = await startTestRegion(PRIMARY);
  replica = await startTestRegion({ name: 'north', primaryOrigin: primary.origin });
});
afterEach(() => Promise.all([replica.close(), primary.close()]));

const send = (method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}) =>
  ask(replica.origin, { method, path, headers: { ...HOST, ...headers }, ...(body === undefined ? {} : { body }) });

/** What the primary has, as another region's process would see it. */
async function openedPrimary(): Promise<TestRegion> {
  return startTestRegion({ store: primary.store });
}

describe('a change at a replica', () => {
  it('is made at the primary, in every step of a push', async () => {
    const begun = await send('POST', UPLOADS);
    expect([begun.status, begun.headers['meridian-region']]).toEqual([202, 'north']);
    const place = new URL(String(begun.headers.location));
    expect(place.origin).toBe('http://north.test');
    expect((await send('PATCH', place.pathname, '01234', { 'content-range': '0-4' })).headers.range).toBe('0-4');
    expect((await send('GET', place.pathname)).headers.range).toBe('0-4');
    const ended = await send('PUT', `${place.pathname}?digest=${TEN_DIGEST}`, '56789', { 'content-range': '5-9' });
    expect([ended.status, ended.headers.location]).toEqual([201, `http://north.test/v2/team/app/blobs/${TEN_DIGEST}`]);
    const put = await send('PUT', '/v2/team/app/manifests/v1', MANIFEST, { 'content-type': MEDIA_TYPES.ociManifest });
    expect([put.status, put.headers['meridian-sequence'], put.headers['docker-content-digest']]).toEqual([
      201,
      '1',
      MANIFEST_DIGEST,
    ]);
    const there = await openedPrimary();
    expect((await ask(there.origin, { method: 'GET', path: '/v2/team/app/manifests/v1' })).body.toString()).toBe(
      MANIFEST,
    );
    await there.close();
    expect((await send('DELETE', '/v2/team/app/manifests/v1')).status).toBe(202);
  });

  it('is refused as the primary refuses it', async () => {
    const answer = await send('PUT', '/v2/team/app/manifests/v1', '{}', { 'content-type': MEDIA_TYPES.ociManifest });
    expect([answer.status, codesOf(answer)]).toEqual([400, ['MANIFEST_INVALID']]);
    const uncommon = await send('PATCH', `${UPLOADS}00000000-0000-4000-8000-000000000000`, '0', {
      'content-encoding': 'gzip',
    });
    expect(uncommon.status).toBe(415);
  });

  it('takes the condition along that it depends on', async () => {
    await putBlob(replica.origin, 'team/app', TEN_BYTES);
    const headers = { 'content-type': MEDIA_TYPES.ociManifest, 'if-none-match': '*' };
    const statuses = [];
    for (const _ of [1, 2]) statuses.push((await send('PUT', '/v2/team/app/manifests/v1', MANIFEST, headers)).status);
    expect(statuses).toEqual([201, 412]);
    const other = { 'if-match': `"${TEN_DIGEST}"` };
    expect((await send('DELETE', '/v2/team/app/manifests/v1', undefined, other)).status).toBe(412);
    const current = { 'if-match': `"${MANIFEST_DIGEST}"` };
    expect((await send('DELETE', '/v2/team/app/manifests/v1', undefined, current)).status).toBe(202);
  });

  it('is asked for at the replica before anything is passed on', async () => {
    const closed = await startTestRegion({ name: 'north', primaryOrigin: primary.origin, anonymousAccess: 'pull' });
    const answer = await ask(closed.origin, { method: 'POST', path: UPLOADS });
    await closed.close();
    expect([answer.status, codesOf(answer)]).toEqual([401, ['UNAUTHORIZED']]);
  });

  it('keeps what came when its client leaves in the middle', async () => {
    const begun = await send('POST', UPLOADS);
    const { pathname } = new URL(String(begun.headers.location));
    await talk(replica.origin, `PATCH ${pathname} HTTP/1.1\r\nHost: north.test\r\nContent-Length: 10\r\n\r\n0123`);
    const { status } = await send('PUT', `${pathname}?digest=${TEN_DIGEST}`, TEN_BYTES.subarray(4), {
      'content-range': '4-9',
    });
    // Whether the first bytes got through is for the network to say; never is the blob made of anything else.
    expect([201, 416]).toContain(status);
  });

  it('goes no further than one region', async () => {
    const answer = await send('POST', UPLOADS, undefined, { 'meridian-hop': '1' });
    expect([answer.status, codesOf(answer)]).toEqual([502, ['UNAVAILABLE']]);
  });

  it('is 503 while the primary is gone, and says who makes changes', async () => {
    await primary.close();
    const answer = await send('POST', UPLOADS);
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([503, ['UNAVAILABLE'], '5']);
    expect(answer.body.toString()).toContain('region primary');
    expect((await send('GET', '/v2/')).status).toBe(200);
  });
});

describe('a grant that a client brings to a replica', () => {
  const north = parseRegionName('north');
  const grant = issueGrant(
    testKeys.grant,
    { access: 'push', repository: parseRepositoryName('team/app'), resource: { kind: 'upload' }, region: north },
    systemClock.now(),
    60_000,
  );

  it('opens an upload that goes on there, and mounts nothing that its owner may not read', async () => {
    const filled = await openedPrimary();
    await putSample(filled.origin);
    await filled.close();
    const closed = await startTestRegion({ name: 'north', primaryOrigin: primary.origin, anonymousAccess: 'none' });
    const path = `/v2/team/app/blobs/uploads/?mount=${TEN_DIGEST}&from=team/app&${GRANT_PARAMETER}=${grant}`;
    const begun = await ask(closed.origin, { method: 'POST', path });
    expect(begun.status).toBe(202);
    const { pathname, search } = new URL(String(begun.headers.location));
    expect((await ask(closed.origin, { method: 'GET', path: pathname + search })).status).toBe(204);
    await closed.close();
  });

  it('stays there: the primary is shown who passes the change on, not who asked for it', async () => {
    const seen: { url: string | undefined; authorization: string | undefined }[] = [];
    const server = createServer((request, response) => {
      seen.push({ url: request.url, authorization: request.headers.authorization });
      response.writeHead(202).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const primaryOrigin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const spied = await startTestRegion({ name: 'north', primaryOrigin });
    const headers = { authorization: 'Basic dXNlcjpwYXNz' };
    await ask(spied.origin, { method: 'POST', path: `${UPLOADS}?x=1&${GRANT_PARAMETER}=${grant}`, headers });
    expect(seen).toEqual([{ url: `${UPLOADS}?x=1`, authorization: expect.stringMatching(/^Meridian /) }]);
    await spied.close();
    server.close();
  });
});
