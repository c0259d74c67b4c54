import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { digestOf, MEDIA_TYPES, parseDigest } from '#libs/oci';
import type { PullableBlob } from '#libs/registry';
import { StorageError } from '#libs/storage';
import {
  type Ask,
  ask,
  codesOf,
  EMPTY_DIGEST,
  MANIFEST,
  MANIFEST_DIGEST,
  manifestOf,
  putBlob,
  putManifest,
  putSample,
  startTestRegion,
  TEN_BYTES,
  TEN_DIGEST,
  type TestRegion,
} from '../testing/index.js';

const BLOB = `/v2/team/app/blobs/${TEN_DIGEST}`;
const UNKNOWN = digestOf('unknown');
const SIGNATURE = manifestOf(TEN_DIGEST, TEN_BYTES.length, {
  artifactType: 'application/x.signature',
  subject: { mediaType: MEDIA_TYPES.ociManifest, digest: MANIFEST_DIGEST, size: MANIFEST.length },
});

interface Row extends Partial<Ask> {
  readonly path: string;
  readonly status: number;
  readonly answers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

describe('what is read', () => {
  let region: TestRegion;
  beforeAll(async () => {
    region = await startTestRegion();
    await putSample(region.origin);
    await putManifest(region.origin, 'team/app', 'v2', MANIFEST);
    await putManifest(region.origin, 'team/app', 'signature', SIGNATURE);
    await putBlob(region.origin, 'team/app', Buffer.alloc(0));
    await putBlob(region.origin, 'other', Buffer.from('other'));
  });
  afterAll(() => region.close());

  const manifestHeaders = {
    'content-type': MEDIA_TYPES.ociManifest,
    'content-length': String(MANIFEST.length),
    'docker-content-digest': MANIFEST_DIGEST,
    etag: `"${MANIFEST_DIGEST}"`,
    'meridian-source': 'local',
    'x-content-type-options': 'nosniff',
    'docker-distribution-api-version': 'registry/2.0',
    'meridian-region': 'primary',
  };
  const blobHeaders = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': TEN_DIGEST,
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  };

  it.each<[string, Row]>([
    ['says that it is a registry', { path: '/v2/', status: 200 }],
    ['leads from /v2 to /v2/', { path: '/v2', status: 301, answers: { location: '/v2/' } }],
    [
      'gives a manifest by its tag',
      { path: '/v2/team/app/manifests/v1', status: 200, answers: manifestHeaders, body: MANIFEST },
    ],
    [
      'gives a manifest by its digest',
      { path: `/v2/team/app/manifests/${MANIFEST_DIGEST}`, status: 200, body: MANIFEST },
    ],
    [
      'gives the headers of a manifest alone to HEAD',
      { method: 'HEAD', path: '/v2/team/app/manifests/v1', status: 200, answers: manifestHeaders, body: '' },
    ],
    [
      'gives what is stored to those who accept something else',
      { path: '/v2/team/app/manifests/v1', headers: { accept: 'text/plain' }, status: 200, body: MANIFEST },
    ],
    [
      'gives no manifest to those who have it',
      { path: '/v2/team/app/manifests/v1', headers: { 'if-none-match': `"x", "${MANIFEST_DIGEST}"` }, status: 304 },
    ],
    [
      'gives the manifest to those who have another one',
      { path: '/v2/team/app/manifests/v1', headers: { 'if-none-match': `"${UNKNOWN}"` }, status: 200 },
    ],
    [
      'gives a blob',
      { path: BLOB, status: 200, answers: { ...blobHeaders, 'content-length': '10' }, body: '0123456789' },
    ],
    ['gives an empty blob', { path: `/v2/team/app/blobs/${EMPTY_DIGEST}`, status: 200, body: '' }],
    [
      'gives the headers of a blob alone to HEAD',
      { method: 'HEAD', path: BLOB, status: 200, answers: { ...blobHeaders, 'content-length': '10' }, body: '' },
    ],
    [
      'ignores a range on HEAD, which has none (RFC 9110, 14.2)',
      { method: 'HEAD', path: BLOB, headers: { range: 'bytes=2-4' }, status: 200, answers: { 'content-length': '10' } },
    ],
    [
      'gives no blob to those who have it',
      { path: BLOB, headers: { 'if-none-match': `"${TEN_DIGEST}"` }, status: 304 },
    ],
    [
      'gives a range of a blob',
      {
        path: BLOB,
        headers: { range: 'bytes=2-4' },
        status: 206,
        answers: { ...blobHeaders, 'content-length': '3', 'content-range': 'bytes 2-4/10' },
        body: '234',
      },
    ],
    ['gives the end of a blob', { path: BLOB, headers: { range: 'bytes=-3' }, status: 206, body: '789' }],
    ['gives the rest of a blob', { path: BLOB, headers: { range: 'bytes=8-' }, status: 206, body: '89' }],
    [
      'gives all for several ranges',
      { path: BLOB, headers: { range: 'bytes=0-0,5-9' }, status: 200, body: '0123456789' },
    ],
    [
      'gives nothing beyond the end',
      { path: BLOB, headers: { range: 'bytes=10-' }, status: 416, answers: { 'content-range': 'bytes */10' } },
    ],
    [
      'lists tags',
      { path: '/v2/team/app/tags/list', status: 200, body: '{"name":"team/app","tags":["signature","v1","v2"]}' },
    ],
    [
      'lists a page of tags and says where the next one is',
      {
        path: '/v2/team/app/tags/list?n=1&last=signature',
        status: 200,
        answers: { link: '</v2/team/app/tags/list?n=1&last=v1>; rel="next"' },
        body: '{"name":"team/app","tags":["v1"]}',
      },
    ],
    [
      'lists the last page without a further one',
      { path: '/v2/team/app/tags/list?n=1&last=v1', status: 200, answers: { link: undefined } },
    ],
    [
      'lists nothing for n=0',
      { path: '/v2/team/app/tags/list?n=0', status: 200, body: '{"name":"team/app","tags":[]}' },
    ],
    ['clamps a page that is too long', { path: '/v2/team/app/tags/list?n=1000000000', status: 200 }],
    ['lists repositories', { path: '/v2/_catalog', status: 200, body: '{"repositories":["team/app"]}' }],
    [
      'lists what refers to a manifest',
      {
        path: `/v2/team/app/referrers/${MANIFEST_DIGEST}`,
        status: 200,
        answers: { 'content-type': MEDIA_TYPES.ociIndex, 'oci-filters-applied': undefined },
      },
    ],
    [
      'says that it filtered referrers',
      {
        path: `/v2/team/app/referrers/${MANIFEST_DIGEST}?artifactType=application/x.other`,
        status: 200,
        answers: { 'oci-filters-applied': 'artifactType' },
        body: `{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","manifests":[]}`,
      },
    ],
    ['lists no referrers of what it never heard of', { path: `/v2/team/app/referrers/${UNKNOWN}`, status: 200 }],
  ])('%s', async (_, { method = 'GET', path, headers, status, answers = {}, body }) => {
    const answer = await ask(region.origin, { method, path, ...(headers === undefined ? {} : { headers }) });
    expect(answer.status).toBe(status);
    for (const [name, value] of Object.entries(answers)) expect([name, answer.headers[name]]).toEqual([name, value]);
    if (body !== undefined) expect(answer.body.toString()).toBe(body);
  });

  it('names the manifests that refer to another one', async () => {
    const answer = await ask(region.origin, { method: 'GET', path: `/v2/team/app/referrers/${MANIFEST_DIGEST}` });
    expect(JSON.parse(answer.body.toString()).manifests).toEqual([
      expect.objectContaining({ digest: digestOf(SIGNATURE), artifactType: 'application/x.signature' }),
    ]);
  });

  it.each([
    ['a repository nobody pushed to', '/v2/nobody/tags/list', 404, 'NAME_UNKNOWN'],
    ['an unknown tag', '/v2/team/app/manifests/v9', 404, 'MANIFEST_UNKNOWN'],
    ['a tag that cannot exist', '/v2/team/app/manifests/.v9', 404, 'MANIFEST_UNKNOWN'],
    ['an unknown manifest', `/v2/team/app/manifests/${UNKNOWN}`, 404, 'MANIFEST_UNKNOWN'],
    ['an unknown blob', `/v2/team/app/blobs/${UNKNOWN}`, 404, 'BLOB_UNKNOWN'],
    ['a blob of another repository', `/v2/other/blobs/${TEN_DIGEST}`, 404, 'BLOB_UNKNOWN'],
    ['a manifest of another repository', `/v2/other/manifests/${MANIFEST_DIGEST}`, 404, 'MANIFEST_UNKNOWN'],
  ])('does not have %s', async (_, path, status, code) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask(region.origin, { method, path });
      expect(answer.status).toBe(status);
      if (method === 'GET') expect(codesOf(answer)).toEqual([code]);
    }
  });

  it('tells the source of each blob that was given', async () => {
    const before = region.pulls.length;
    await ask(region.origin, { method: 'GET', path: BLOB });
    await ask(region.origin, { method: 'HEAD', path: BLOB });
    expect(region.pulls.slice(before)).toEqual(['local']);
  });
});

describe('blobs that clients can fetch from the store', () => {
  const small = parseDigest(TEN_DIGEST);
  const blob: PullableBlob = {
    digest: small,
    size: 10,
    source: 'local',
    open: async () => Readable.from([TEN_BYTES]),
    location: () => 'http://store.test/data/1?signature=x',
  };
  const pull = { manifest: async () => undefined, blob: async () => blob };

  it.each([
    ['GET', 10, 307],
    ['GET', 11, 200],
    ['GET', undefined, 200],
    ['HEAD', 10, 200],
  ])('%s, with redirects from %s bytes: %d', async (method, redirectFromBytes, status) => {
    const region = await startTestRegion({ pull, ...(redirectFromBytes === undefined ? {} : { redirectFromBytes }) });
    const answer = await ask(region.origin, { method, path: BLOB });
    expect(answer.status).toBe(status);
    expect(answer.headers['docker-content-digest']).toBe(small);
    expect(answer.headers.location).toBe(status === 307 ? 'http://store.test/data/1?signature=x' : undefined);
    await region.close();
  });
});

describe('reads that fail', () => {
  const unavailable = new StorageError('unavailable', { driver: 'memory', operation: 'open', key: 'data/secret' });
  const pullOf = (open: PullableBlob['open']) => ({
    manifest: async () => Promise.reject(new Error('bug in secret.ts')),
    blob: async () => ({ digest: TEN_DIGEST, size: 10, source: 'local' as const, open }),
  });

  it('are 503 and worth another try when the store does not answer', async () => {
    const region = await startTestRegion({ pull: pullOf(() => Promise.reject(unavailable)) });
    const answer = await ask(region.origin, { method: 'GET', path: BLOB });
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([503, ['UNAVAILABLE'], '2']);
    expect(answer.body.toString()).not.toContain('secret');
    await region.close();
  });

  it('break the connection once the answer has begun', async () => {
    const broken = async () =>
      Readable.from(
        (async function* () {
          yield TEN_BYTES.subarray(0, 4);
          throw unavailable;
        })(),
      );
    const region = await startTestRegion({ pull: pullOf(broken) });
    await expect(ask(region.origin, { method: 'GET', path: BLOB })).rejects.toThrow();
    expect(region.logged).toEqual([expect.objectContaining({ level: 'warn' })]);
    await region.close();
  });

  it('are told to nobody but the log when nobody expected them', async () => {
    const region = await startTestRegion({ pull: pullOf(() => Promise.reject(unavailable)) });
    const answer = await ask(region.origin, { method: 'GET', path: '/v2/team/app/manifests/v1' });
    expect([answer.status, codesOf(answer)]).toEqual([500, ['INTERNAL']]);
    expect(answer.body.toString()).not.toContain('secret');
    expect(region.logged).toEqual([
      { level: 'error', message: 'request failed', fields: expect.objectContaining({ requestId: 'request-1' }) },
    ]);
    await region.close();
  });
});
