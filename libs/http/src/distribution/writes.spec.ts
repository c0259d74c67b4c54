import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf, MEDIA_TYPES } from '#libs/oci';
import {
  type Answer,
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
  talk,
} from '../testing/index.js';

const REPOSITORY = 'team/app';
const UPLOADS = `/v2/${REPOSITORY}/blobs/uploads/`;
const OTHER = digestOf('other');
const OCI = { 'content-type': MEDIA_TYPES.ociManifest };

let region: TestRegion;
beforeEach(async () => {
  region = await startTestRegion();
});
afterEach(() => region.close());

const send = (method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}) =>
  ask(region.origin, { method, path, headers, ...(body === undefined ? {} : { body }) });

const detailsOf = (answer: Answer): readonly unknown[] =>
  (JSON.parse(answer.body.toString()) as { errors: { detail: unknown }[] }).errors.map(({ detail }) => detail);

/** Path and query of an upload's `Location`. */
function placeOf(answer: Answer): string {
  const { pathname, search } = new URL(String(answer.headers.location));
  return pathname + search;
}

async function beginUpload(): Promise<string> {
  return placeOf(await send('POST', UPLOADS));
}

describe('an upload', () => {
  it('asks for chunks that go to the store once, and takes smaller ones', async () => {
    const begun = await send('POST', UPLOADS);
    expect(Number(begun.headers['oci-chunk-min-length'])).toBe(8 * 1024 * 1024);
    expect((await send('PATCH', placeOf(begun), TEN_BYTES)).status).toBe(202);
  });

  it('begins empty, at an address of the region, absolute', async () => {
    const { status, headers } = await send('POST', UPLOADS, undefined, { host: 'primary.test' });
    expect(status).toBe(202);
    expect(headers).toMatchObject({ range: '0-0', 'content-length': '0' });
    expect(headers.location).toBe(`http://primary.test${UPLOADS}${headers['docker-upload-uuid']}`);
  });

  it('stays where the client reached the region, if the region is known there', async () => {
    const named = await send('POST', UPLOADS, undefined, { host: new URL(region.origin).host });
    const forged = await send('POST', UPLOADS, undefined, { host: 'evil.test' });
    expect(named.headers.location).toMatch(new RegExp(`^${region.origin}/v2/`));
    expect(forged.headers.location).toMatch(/^http:\/\/primary\.test\/v2\//);
  });

  it('takes chunks, tells where it stands, and ends as a blob', async () => {
    const place = await beginUpload();
    const first = await send('PATCH', place, '0123', { 'content-range': '0-3' });
    expect([first.status, first.headers.range, placeOf(first)]).toEqual([202, '0-3', place]);
    const state = await send('GET', place);
    expect([state.status, state.headers.range, placeOf(state)]).toEqual([204, '0-3', place]);
    await send('PATCH', place, '456', { 'content-range': '4-6' });
    const last = await send('PUT', `${place}?digest=${TEN_DIGEST}`, '789', { 'content-range': '7-9' });
    expect([last.status, last.headers['docker-content-digest'], placeOf(last)]).toEqual([
      201,
      TEN_DIGEST,
      `/v2/${REPOSITORY}/blobs/${TEN_DIGEST}`,
    ]);
    expect((await send('GET', placeOf(last))).body.toString()).toBe('0123456789');
    expect(codesOf(await send('GET', place))).toEqual(['BLOB_UPLOAD_UNKNOWN']);
  });

  it('takes what docker sends: one chunk without a length and without a range', async () => {
    const place = await beginUpload();
    const wire = [
      `PATCH ${place} HTTP/1.1`,
      'Host: primary.test',
      'Transfer-Encoding: chunked',
      'Connection: close',
      '',
      'a',
      '0123456789',
      '0',
      '',
      '',
    ].join('\r\n');
    expect(await talk(region.origin, wire)).toMatch(/^HTTP\/1\.1 202 .*\r\nRange: 0-9\r\n/s);
    expect((await send('PUT', `${place}?digest=${TEN_DIGEST}`)).status).toBe(201);
  });

  it.each([
    ['POST', 'in one request', (): Promise<string> => Promise.resolve(UPLOADS)],
    ['PUT', 'in two requests', beginUpload],
  ])('of a whole blob by %s, %s', async (method, _, begin) => {
    expect((await send(method, `${await begin()}?digest=${TEN_DIGEST}`, TEN_BYTES)).status).toBe(201);
    expect((await send('HEAD', `/v2/${REPOSITORY}/blobs/${TEN_DIGEST}`)).headers['content-length']).toBe('10');
  });

  it('of nothing is the empty blob', async () => {
    const place = await beginUpload();
    expect((await send('PUT', `${place}?digest=${EMPTY_DIGEST}`)).status).toBe(201);
  });

  it('can be of what is there already', async () => {
    for (const _ of [1, 2]) expect((await send('POST', `${UPLOADS}?digest=${TEN_DIGEST}`, TEN_BYTES)).status).toBe(201);
  });

  it('is cancelled once', async () => {
    const place = await beginUpload();
    expect((await send('DELETE', place)).status).toBe(204);
    const again = await send('DELETE', place);
    expect([again.status, codesOf(again)]).toEqual([404, ['BLOB_UPLOAD_UNKNOWN']]);
  });

  it.each([
    ['a gap', '5-6', 416],
    ['what it has', '0-1', 416],
    ['an end before its beginning', '5-3', 416],
    ['letters', 'a-b', 400],
  ])('refuses a chunk that claims %s', async (_, range, status) => {
    const place = await beginUpload();
    await send('PATCH', place, '0123', { 'content-range': '0-3' });
    const answer = await send('PATCH', place, '45', { 'content-range': range });
    expect([answer.status, codesOf(answer)]).toEqual([status, ['BLOB_UPLOAD_INVALID']]);
    expect((await send('GET', place)).headers.range).toBe('0-3');
  });

  it('tells a lost client where to go on', async () => {
    const place = await beginUpload();
    await send('PATCH', place, '0123');
    const answer = await send('PATCH', place, '6789', { 'content-range': '6-9' });
    expect([answer.headers.range, placeOf(answer)]).toEqual(['0-3', place]);
  });

  it('refuses a range that is not as long as the chunk', async () => {
    const answer = await send('PATCH', await beginUpload(), '0123', { 'content-range': '0-9' });
    expect([answer.status, codesOf(answer)]).toEqual([400, ['SIZE_INVALID']]);
  });

  it.each([
    ['is missing', ''],
    ['is not one', '?digest=sha256:xyz'],
    ['is of another kind', `?digest=md5:${'0'.repeat(32)}`],
    ['is of other bytes', `?digest=${OTHER}`],
  ])('does not end when its digest %s', async (_, query) => {
    const place = await beginUpload();
    const answer = await send('PUT', `${place}${query}`, TEN_BYTES);
    expect([answer.status, codesOf(answer)]).toEqual([400, ['DIGEST_INVALID']]);
    expect((await send('HEAD', `/v2/${REPOSITORY}/blobs/${OTHER}`)).status).toBe(404);
  });

  it.each(['GET', 'PATCH', 'PUT', 'DELETE'])('is unknown to %s in another repository', async (method) => {
    const elsewhere = (await beginUpload()).replace(REPOSITORY, 'team/other');
    const body = method === 'PATCH' || method === 'PUT' ? '0123' : undefined;
    const answer = await send(method, `${elsewhere}?digest=${TEN_DIGEST}`, body);
    expect([answer.status, codesOf(answer)]).toEqual([404, ['BLOB_UPLOAD_UNKNOWN']]);
  });

  it('is not taken with a coding around it', async () => {
    const answer = await send('PATCH', await beginUpload(), 'zip', { 'content-encoding': 'gzip' });
    expect([answer.status, codesOf(answer)]).toEqual([415, ['UNSUPPORTED']]);
  });

  it.each([
    ['ends', false],
    ['is reset', true],
  ])('keeps what came when the connection %s, and goes on from there', async (_, reset) => {
    const place = await beginUpload();
    const wire = `PATCH ${place} HTTP/1.1\r\nHost: primary.test\r\nContent-Length: 10\r\n\r\n0123`;
    await talk(region.origin, wire, { reset });
    let range: unknown;
    for (let tries = 0; range !== '0-3' && tries < 200; tries += 1) range = (await send('GET', place)).headers.range;
    // A reset may take bytes along that were not read yet; what is said to be there is there.
    const offset = range === '0-3' ? 4 : 0;
    const rest = TEN_BYTES.subarray(offset);
    expect((await send('PUT', `${place}?digest=${TEN_DIGEST}`, rest)).status).toBe(201);
  });
});

describe('a mount', () => {
  beforeEach(() => putBlob(region.origin, 'source', TEN_BYTES));

  it('gives a blob to another repository', async () => {
    const answer = await send('POST', `${UPLOADS}?mount=${TEN_DIGEST}&from=source`);
    expect([answer.status, placeOf(answer)]).toEqual([201, `/v2/${REPOSITORY}/blobs/${TEN_DIGEST}`]);
    expect((await send('GET', placeOf(answer))).body).toEqual(TEN_BYTES);
  });

  it.each([
    ['what is not there', `mount=${OTHER}&from=source`],
    ['from where it is not', `mount=${TEN_DIGEST}&from=elsewhere`],
    ['from nowhere', `mount=${TEN_DIGEST}`],
    ['from no repository', `mount=${TEN_DIGEST}&from=UPPER`],
    ['no digest', 'mount=sha256:1&from=source'],
  ])('of %s is an upload', async (_, query) => {
    const answer = await send('POST', `${UPLOADS}?${query}`);
    expect([answer.status, answer.headers.range]).toEqual([202, '0-0']);
    expect((await send('HEAD', `/v2/${REPOSITORY}/blobs/${TEN_DIGEST}`)).status).toBe(404);
  });
});

describe('a manifest', () => {
  const path = (reference: string) => `/v2/${REPOSITORY}/manifests/${reference}`;
  const put = (reference: string, text: string, headers: Record<string, string> = {}) =>
    send('PUT', path(reference), text, { ...OCI, ...headers });
  beforeEach(() => putBlob(region.origin, REPOSITORY, TEN_BYTES));

  it('is put under a tag, and its answer tells its place in the order of all changes', async () => {
    const answer = await put('v1', MANIFEST);
    expect([answer.status, placeOf(answer)]).toEqual([201, path(MANIFEST_DIGEST)]);
    expect(answer.headers).toMatchObject({ 'docker-content-digest': MANIFEST_DIGEST, 'meridian-sequence': '1' });
    expect((await send('GET', path('v1'))).body.toString()).toBe(MANIFEST);
  });

  it('is put with several tags at once', async () => {
    const answer = await put(`${MANIFEST_DIGEST}?tag=v1&tag=v2`, MANIFEST);
    expect([answer.status, answer.headers['oci-tag']]).toEqual([201, ['v1', 'v2']]);
    for (const tag of ['v1', 'v2']) expect((await send('HEAD', path(tag))).status).toBe(200);
  });

  it('is put with none of its tags when one cannot be', async () => {
    const answer = await put(`${MANIFEST_DIGEST}?tag=v1&tag=.v2`, MANIFEST);
    expect([answer.status, codesOf(answer)]).toEqual([400, ['MANIFEST_INVALID']]);
    expect((await send('HEAD', path('v1'))).status).toBe(404);
  });

  it('names its subject, which need not be there', async () => {
    const subject = { mediaType: MEDIA_TYPES.ociManifest, digest: OTHER, size: 5 };
    const answer = await put('signature', manifestOf(TEN_DIGEST, 10, { subject }));
    expect([answer.status, answer.headers['oci-subject']]).toEqual([201, OTHER]);
  });

  it.each([
    ['absent', { 'if-none-match': '*' }, 412],
    ['another one', { 'if-match': `"${OTHER}"` }, 412],
    ['the one there is', { 'if-match': `"${OTHER}", "${MANIFEST_DIGEST}"` }, 201],
  ])('replaces one that was to be %s', async (_, headers, status) => {
    await put('v1', MANIFEST);
    const answer = await put('v1', manifestOf(TEN_DIGEST, 10, { annotations: { a: 'b' } }), headers);
    expect(answer.status).toBe(status);
    if (status === 412) expect(codesOf(answer)).toEqual(['PRECONDITION_FAILED']);
    const now = (await send('HEAD', path('v1'))).headers['docker-content-digest'];
    expect(now === MANIFEST_DIGEST).toBe(status === 412);
  });

  it.each([
    ['if-match', 'x'],
    ['if-match', ''],
    ['if-match', `"${OTHER}" "${OTHER}"`],
    ['if-match', `*, "${OTHER}"`],
    ['if-match', `"${OTHER}`],
    ['if-none-match', `"${OTHER}", *`],
    ['if-none-match', `w/"${OTHER}"`],
  ])('is not put under a condition that is not understood: %s: %s', async (name, value) => {
    const answer = await put('v1', MANIFEST, { [name]: value });
    expect([answer.status, codesOf(answer)]).toEqual([400, ['UNSUPPORTED']]);
    expect((await send('HEAD', path('v1'))).status).toBe(404);
  });

  const CURRENT = MANIFEST_DIGEST;
  it.each<[string, 'v1' | 'digest', Record<string, string>, number, number]>([
    ['If-Match: *', 'v1', { 'if-match': '*' }, 412, 201],
    ['If-Match: the current one', 'v1', { 'if-match': `"${CURRENT}"` }, 412, 201],
    ['If-Match: the current one, among others', 'v1', { 'if-match': `"x,y" , "${CURRENT}",` }, 412, 201],
    ['If-Match: the current one, without quotes', 'v1', { 'if-match': CURRENT }, 412, 201],
    ['If-Match: the current one, but weak', 'v1', { 'if-match': `W/"${CURRENT}"` }, 412, 412],
    ['If-Match: another one', 'v1', { 'if-match': `"${OTHER}"` }, 412, 412],
    ['If-Match: no digest', 'v1', { 'if-match': '"x"' }, 412, 412],
    ['If-None-Match: *', 'v1', { 'if-none-match': '*' }, 201, 412],
    ['If-None-Match: the current one, weak', 'v1', { 'if-none-match': `W/"${CURRENT}"` }, 201, 412],
    ['If-None-Match: another one', 'v1', { 'if-none-match': `"${OTHER}"` }, 201, 201],
    ['both, and both hold', 'v1', { 'if-match': '*', 'if-none-match': `"${OTHER}"` }, 412, 201],
    ['both, and one holds', 'v1', { 'if-match': '*', 'if-none-match': `"${CURRENT}"` }, 412, 412],
    ['by digest, If-None-Match: *', 'digest', { 'if-none-match': '*' }, 201, 412],
    ['by digest, If-Match: *', 'digest', { 'if-match': '*' }, 412, 201],
    ['by digest, If-Match: itself', 'digest', { 'if-match': `"${CURRENT}"` }, 412, 201],
    ['by digest, If-Match: another one', 'digest', { 'if-match': `"${OTHER}"` }, 412, 412],
  ])('is put under %s (%s, %j): %i when nothing is there, %i when it is', async (_, where, headers, fresh, again) => {
    const reference = where === 'v1' ? 'v1' : CURRENT;
    const first = await put(reference, MANIFEST, headers);
    expect(first.status).toBe(fresh);
    if (fresh === 412) {
      expect(codesOf(first)).toEqual(['PRECONDITION_FAILED']);
      expect((await send('HEAD', path(CURRENT))).status).toBe(404);
      await put(reference, MANIFEST);
    }
    expect((await put(reference, MANIFEST, headers)).status).toBe(again);
  });

  it('is put with several tags only when each of them is as it was asked for', async () => {
    await put('v1', MANIFEST);
    const answer = await put(`${MANIFEST_DIGEST}?tag=v1&tag=v2`, MANIFEST, { 'if-match': `"${CURRENT}"` });
    expect([answer.status, detailsOf(answer)]).toEqual([412, [{ tag: 'v2', digest: null }]]);
    expect((await send('HEAD', path('v2'))).status).toBe(404);
  });

  it.each<[string, Record<string, string>, number]>([
    ['If-Match: *', { 'if-match': '*' }, 202],
    ['If-Match: the current one', { 'if-match': `"${CURRENT}"` }, 202],
    ['If-Match: another one', { 'if-match': `"${OTHER}"` }, 412],
    ['If-None-Match: the current one', { 'if-none-match': `"${CURRENT}"` }, 412],
    ['what is not understood', { 'if-match': '-' }, 400],
  ])('is deleted, by its tag or its digest, under %s', async (_, headers, status) => {
    for (const reference of ['v1', CURRENT]) {
      expect((await send('DELETE', path(reference), undefined, headers)).status).toBe(status === 400 ? 400 : 404);
      await put('v1', MANIFEST);
      expect((await send('DELETE', path(reference), undefined, headers)).status).toBe(status);
      expect((await send('HEAD', path('v1'))).status).toBe(status === 202 ? 404 : 200);
      await send('DELETE', path(CURRENT));
    }
  });

  it('tells whoever lost a race what is there, so that the next try can begin with it', async () => {
    const first = await put('v1', MANIFEST);
    expect(first.headers.etag).toBe(`"${CURRENT}"`);
    const lost = await put('v1', MANIFEST, { 'if-none-match': '*' });
    expect(detailsOf(lost)).toEqual([{ tag: 'v1', digest: CURRENT }]);
  });

  it('that names what is not there is told each of it', async () => {
    const child = { mediaType: MEDIA_TYPES.ociManifest, size: 1 };
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociIndex,
      manifests: [OTHER, digestOf('third')].map((digest) => ({ ...child, digest })),
    });
    const answer = await put('v1', index, { 'content-type': MEDIA_TYPES.ociIndex });
    expect([answer.status, codesOf(answer)]).toEqual([404, ['MANIFEST_BLOB_UNKNOWN', 'MANIFEST_BLOB_UNKNOWN']]);
  });

  it('under the digest of other bytes is refused', async () => {
    expect(codesOf(await put(OTHER, MANIFEST))).toEqual(['DIGEST_INVALID']);
  });

  it('of exactly 4 MiB is taken', async () => {
    const bare = manifestOf(TEN_DIGEST, 10, { annotations: { a: '' } }).length;
    const text = manifestOf(TEN_DIGEST, 10, { annotations: { a: 'x'.repeat(4 * 1024 * 1024 - bare) } });
    expect((await put('v1', text)).status).toBe(201);
  });

  it('that says that it is larger is refused before it is read', async () => {
    const head = `PUT ${path('v1')} HTTP/1.1\r\nHost: primary.test\r\nContent-Length: 4194305\r\n\r\n`;
    const heard = await talk(region.origin, head);
    expect(heard).toMatch(/^HTTP\/1\.1 413 .*Connection: close\r\n.*"SIZE_INVALID"/s);
  });

  it('that turns out to be larger is refused while it comes', async () => {
    const size = 4 * 1024 * 1024 + 1;
    const wire = [
      `PUT ${path('v1')} HTTP/1.1`,
      'Host: primary.test',
      'Transfer-Encoding: chunked',
      '',
      size.toString(16),
      'x'.repeat(size),
      '',
    ].join('\r\n');
    expect(await talk(region.origin, wire)).toMatch(/^HTTP\/1\.1 413 .*Connection: close\r\n.*"SIZE_INVALID"/s);
  });
});

describe('what is deleted', () => {
  beforeEach(() => putSample(region.origin));

  it.each([
    ['a tag', `/v2/${REPOSITORY}/manifests/v1`, 'MANIFEST_UNKNOWN'],
    ['a manifest', `/v2/${REPOSITORY}/manifests/${MANIFEST_DIGEST}`, 'MANIFEST_UNKNOWN'],
    ['a blob', `/v2/${REPOSITORY}/blobs/${TEN_DIGEST}`, 'BLOB_UNKNOWN'],
  ])('%s is gone, and cannot be deleted again', async (_, path, code) => {
    const answer = await send('DELETE', path);
    expect([answer.status, answer.headers['meridian-sequence']]).toEqual([202, '2']);
    const again = await send('DELETE', path);
    expect([again.status, codesOf(again)]).toEqual([404, [code]]);
    expect((await send('GET', path)).status).toBe(404);
  });

  it('a tag leaves the manifest, a manifest takes its tags along', async () => {
    await putManifest(region.origin, REPOSITORY, 'v2', MANIFEST);
    await send('DELETE', `/v2/${REPOSITORY}/manifests/v1`);
    expect((await send('HEAD', `/v2/${REPOSITORY}/manifests/${MANIFEST_DIGEST}`)).status).toBe(200);
    await send('DELETE', `/v2/${REPOSITORY}/manifests/${MANIFEST_DIGEST}`);
    expect((await send('HEAD', `/v2/${REPOSITORY}/manifests/v2`)).status).toBe(404);
  });
});

describe('an index of which not all is there', () => {
  const child = (digest: string, size: number) => ({ mediaType: MEDIA_TYPES.ociManifest, digest, size });
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [child(MANIFEST_DIGEST, MANIFEST.length), child(OTHER, 5)],
  });
  const pushIndex = (origin: string, text = index) =>
    ask(origin, {
      method: 'PUT',
      path: `/v2/${REPOSITORY}/manifests/sparse`,
      headers: { 'content-type': MEDIA_TYPES.ociIndex },
      body: text,
    });

  it('is refused by itself', async () => {
    await putSample(region.origin);
    const answer = await pushIndex(region.origin);
    expect([answer.status, codesOf(answer)]).toEqual([404, ['MANIFEST_BLOB_UNKNOWN']]);
  });

  it('is taken where that is allowed, and what is missing is 404 until it comes', async () => {
    const mirror = await startTestRegion({ manifests: { sparseIndexes: 'accept' } });
    try {
      await putSample(mirror.origin);
      expect((await pushIndex(mirror.origin)).status).toBe(201);
      const pull = (reference: string) =>
        ask(mirror.origin, { method: 'GET', path: `/v2/${REPOSITORY}/manifests/${reference}` });
      expect((await pull('sparse')).body.toString()).toBe(index);
      expect((await pull(MANIFEST_DIGEST)).status).toBe(200);
      expect((await pull(OTHER)).status).toBe(404);
    } finally {
      await mirror.close();
    }
  });

  it('still needs its blobs where that is allowed', async () => {
    const mirror = await startTestRegion({ manifests: { sparseIndexes: 'accept' } });
    try {
      const blob = { mediaType: 'application/vnd.example.cache', digest: OTHER, size: 5 };
      const cache = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [blob] });
      expect(codesOf(await pushIndex(mirror.origin, cache))).toEqual(['MANIFEST_BLOB_UNKNOWN']);
    } finally {
      await mirror.close();
    }
  });
});
