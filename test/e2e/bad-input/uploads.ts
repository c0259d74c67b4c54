import { expect } from '@jest/globals';
import { sha256 } from '../../support/oci-client.js';
import { beginUpload, type Place, type Row, request, sessionPath, TEN } from './place.js';
import { type Answer, ask } from './wire.js';

const NOTHING = sha256(Buffer.from('nothing has this digest'));
const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';
const METHODS = ['GET', 'PATCH', 'PUT', 'DELETE'];
const query = (method: string) => (method === 'PUT' ? `?digest=${TEN.digest}` : '');

/** A request to a session that holds `0123`, or what else is given. */
function inSession(method: string, rest: string, more: object = {}, bytes = '0123'): Row['ask'] {
  return async (place) => ({ method, path: `${sessionPath(place, await beginUpload(place, bytes))}${rest}`, ...more });
}

const unknown: readonly Row[] = METHODS.flatMap((method): readonly Row[] => [
  {
    name: `${method} a session of another repository`,
    ask: async (place) => {
      const id = await beginUpload(place);
      return { method, path: sessionPath({ repository: 'bad/other' }, id, query(method)) };
    },
    status: 404,
    code: 'BLOB_UPLOAD_UNKNOWN',
  },
  {
    name: `${method} a session that has ended`,
    ask: async (place) => {
      const id = await beginUpload(place);
      await ask(place.origin, { method: 'DELETE', path: sessionPath(place, id) });
      return { method, path: sessionPath(place, id, query(method)) };
    },
    status: 404,
    code: 'BLOB_UPLOAD_UNKNOWN',
  },
  {
    name: `${method} a session that was finished`,
    ask: async (place) => {
      const id = await beginUpload(place, '0123456789');
      await ask(place.origin, { method: 'PUT', path: sessionPath(place, id, query('PUT')) });
      return { method, path: sessionPath(place, id, query(method)) };
    },
    status: 404,
    code: 'BLOB_UPLOAD_UNKNOWN',
  },
  ...[UNKNOWN_ID, '..', '%2e%2e%2fx', 'x'].map(
    (id): Row => ({
      name: `${method} the session ${id}`,
      ask: request(method, `/v2/<name>/blobs/uploads/${id}${query(method)}`),
      status: 404,
      code: 'BLOB_UPLOAD_UNKNOWN',
    }),
  ),
]);

/** It stands where it stood, and says where that is. */
const tellsOffset = async ({ headers }: Answer, { origin, repository }: Place) => {
  const location = String(headers.location);
  expect([headers.range, location]).toEqual(['0-3', expect.stringContaining(`/v2/${repository}/blobs/uploads/`)]);
  const { origin: named, pathname, search } = new URL(location, origin);
  const at = location.includes('meridian-grant') ? named : origin;
  const next = await ask(at, {
    method: 'PATCH',
    path: pathname + search,
    headers: { 'content-range': '4-9' },
    body: '456789',
  });
  expect([next.status, next.headers.range]).toEqual([202, '0-9']);
};

const chunk = (range: string, body = '456789') => ({ headers: { 'content-range': range }, body });

const ranges: readonly Row[] = [
  ['a chunk behind a gap', '5-10', 416, 'BLOB_UPLOAD_INVALID', tellsOffset] as const,
  ['a chunk once more', '0-5', 416, 'BLOB_UPLOAD_INVALID', tellsOffset] as const,
  ['a chunk that overlaps', '3-8', 416, 'BLOB_UPLOAD_INVALID', tellsOffset] as const,
  ['a chunk that ends before it begins', '5-3', 416, 'BLOB_UPLOAD_INVALID', undefined] as const,
  ['a range of letters', 'a-b', 400, 'BLOB_UPLOAD_INVALID', undefined] as const,
  ['a range of 17 digits', '4-99999999999999999', 400, 'BLOB_UPLOAD_INVALID', undefined] as const,
  ['a chunk shorter than its range', '4-90', 400, 'SIZE_INVALID', undefined] as const,
].map(([name, range, status, code, also]) => ({
  name,
  ask: inSession('PATCH', '', chunk(range)),
  status,
  code,
  ...(also === undefined ? {} : { also }),
}));

const first: readonly Row[] = [
  {
    name: 'a first chunk that does not begin at 0',
    ask: inSession('PATCH', '', chunk('1-6'), ''),
    status: 416,
    code: 'BLOB_UPLOAD_INVALID',
  },
  {
    name: 'a last chunk behind a gap',
    ask: inSession('PUT', `?digest=${TEN.digest}`, chunk('5-10')),
    status: 416,
    code: 'BLOB_UPLOAD_INVALID',
    also: tellsOffset,
  },
];

const BAD_DIGESTS = [
  'sha256:xyz',
  `sha256:${'0'.repeat(63)}`,
  `sha256:${'0'.repeat(65)}`,
  `SHA256:${'A'.repeat(64)}`,
  `sha256:${'A'.repeat(64)}`,
  `md5:${'0'.repeat(32)}`,
  'sha256:../../../../etc/passwd',
  '',
  '%00',
];

const digests: readonly Row[] = [
  { name: 'the end of an upload without a digest', ask: inSession('PUT', ''), status: 400, code: 'DIGEST_INVALID' },
  {
    name: 'the end of an upload with the digest of something else',
    ask: inSession('PUT', `?digest=${NOTHING}`),
    status: 400,
    code: 'DIGEST_INVALID',
    also: unlinked(NOTHING),
  },
  {
    name: 'an upload in one request with the digest of something else',
    ask: inSession('PUT', `?digest=${NOTHING}`, { body: 'abc' }, ''),
    status: 400,
    code: 'DIGEST_INVALID',
    also: unlinked(NOTHING),
  },
  {
    name: 'POST with the digest of something else',
    ask: request('POST', `/v2/<name>/blobs/uploads/?digest=${NOTHING}`, { body: 'abc' }),
    status: 400,
    code: 'DIGEST_INVALID',
    also: unlinked(NOTHING),
  },
  ...BAD_DIGESTS.flatMap((digest): readonly Row[] => [
    {
      name: `the end of an upload with the digest ${digest.slice(0, 20)}`,
      ask: inSession('PUT', `?digest=${digest}`),
      status: 400,
      code: 'DIGEST_INVALID',
    },
    {
      name: `POST with the digest ${digest.slice(0, 20)}`,
      ask: request('POST', `/v2/<name>/blobs/uploads/?digest=${digest}`, { body: 'abc' }),
      status: 400,
      code: 'DIGEST_INVALID',
    },
    ...(digest === ''
      ? []
      : [
          {
            name: `the blob ${digest.slice(0, 20)}`,
            ask: request('GET', `/v2/<name>/blobs/${digest}`),
            status: [400, 404],
            code: ['DIGEST_INVALID', 'NOT_FOUND'],
          },
        ]),
  ]),
  {
    name: 'an sha512 digest of other bytes',
    ask: request('POST', `/v2/<name>/blobs/uploads/?digest=sha512:${'0'.repeat(128)}`, { body: 'abc' }),
    status: 400,
    code: 'DIGEST_INVALID',
  },
  {
    name: 'a blob by an unknown sha512 digest',
    ask: request('GET', `/v2/<name>/blobs/sha512:${'0'.repeat(128)}`),
    status: [400, 404],
    code: ['DIGEST_INVALID', 'BLOB_UNKNOWN'],
  },
];

function unlinked(digest: string) {
  return async (_: Answer, { origin, repository }: Place) => {
    expect((await ask(origin, { path: `/v2/${repository}/blobs/${digest}` })).status).toBe(404);
  };
}

const ordinaryUpload = ({ headers }: Answer) => {
  expect(headers.location).toEqual(expect.stringMatching(/\/blobs\/uploads\/[0-9a-f-]{36}/));
  expect(headers['docker-content-digest']).toBeUndefined();
};

const mounts: readonly Row[] = [
  ['a blob that is not there', `mount=${NOTHING}&from=bad/primary`],
  ['a blob of a repository that is not there', `mount=${TEN.digest}&from=bad/nowhere`],
  ['a blob of a repository with no valid name', `mount=${TEN.digest}&from=../x`],
  ['a blob of an unnamed repository', `mount=${TEN.digest}`],
  ['no digest', 'mount=xyz&from=bad/primary'],
].map(([what, search]) => ({
  name: `a mount of ${what}, which becomes an ordinary upload`,
  ask: request('POST', `/v2/bad/mounts/blobs/uploads/?${search}`),
  status: 202,
  also: ordinaryUpload,
}));

const encodings: readonly Row[] = [
  {
    name: 'a chunk with Content-Encoding',
    ask: inSession('PATCH', '', { headers: { 'content-encoding': 'gzip' }, body: 'abc' }),
    status: [400, 415],
  },
  {
    name: 'a blob with Content-Encoding',
    ask: request('POST', `/v2/<name>/blobs/uploads/?digest=${NOTHING}`, {
      headers: { 'content-encoding': 'gzip' },
      body: 'abc',
    }),
    status: [400, 415],
  },
];

export const uploads: readonly Row[] = [...unknown, ...ranges, ...first, ...digests, ...mounts, ...encodings];
