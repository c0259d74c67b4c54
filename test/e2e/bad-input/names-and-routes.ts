import { expect } from '@jest/globals';
import { sha256 } from '../../support/oci-client.js';
import { get, IMAGE, type Row, request } from './place.js';

const NOTHING = sha256(Buffer.from('nothing has this digest'));
const LONGEST_NAME = 255;
const LONGEST_TAG = 128;
const put = { headers: { 'content-type': IMAGE.manifest.mediaType }, body: IMAGE.manifest.bytes };

const badNames = ['UPPER', 'a//b', '-a', 'a/', 'a..b', 'a'.repeat(LONGEST_NAME + 1), '_catalog/x'];
const oddPaths = [
  'a%2e%2e%2fb',
  '..%2f..%2fetc',
  '../../etc',
  'a%00b',
  'a\\b',
  'a%2fb',
  '%c0%ae%c0%ae%2fetc',
  '..;/a',
  'a/./b',
];

const names: readonly Row[] = [
  ...badNames.map((name): Row => {
    const ask = get(`/v2/${name}/manifests/v1`);
    return { name: `the name ${name.slice(0, 20)}`, ask, status: 400, code: 'NAME_INVALID' };
  }),
  ...badNames.map((name): Row => {
    const ask = request('PUT', `/v2/${name}/manifests/v1`, put);
    return { name: `a push to the name ${name.slice(0, 20)}`, ask, status: 400, code: 'NAME_INVALID' };
  }),
  ...oddPaths.map((name): Row => {
    const ask = get(`/v2/${name}/manifests/v1`);
    return { name: `the path ${name}`, ask, status: [400, 404], code: ['NAME_INVALID', 'NOT_FOUND'] };
  }),
];

const tags: readonly Row[] = ['.x', '-x', 'x'.repeat(LONGEST_TAG + 1), 'a%2Fb', 'ä'].flatMap((tag): readonly Row[] => {
  const path = `/v2/<name>/manifests/${encodeURI(tag)}`;
  const short = tag.slice(0, 20);
  return [
    { name: `a push of the tag ${short}`, ask: request('PUT', path, put), status: 400, code: 'MANIFEST_INVALID' },
    { name: `the tag ${short}`, ask: get(path), status: 404, code: 'MANIFEST_UNKNOWN' },
    { name: `the tag ${short} to be deleted`, ask: request('DELETE', path), status: 404, code: 'MANIFEST_UNKNOWN' },
  ];
});

const unknown: readonly Row[] = [
  { name: 'an unknown tag', ask: get('/v2/<name>/manifests/v9'), status: 404, code: 'MANIFEST_UNKNOWN' },
  { name: 'an unknown manifest', ask: get(`/v2/<name>/manifests/${NOTHING}`), status: 404, code: 'MANIFEST_UNKNOWN' },
  { name: 'an unknown blob', ask: get(`/v2/<name>/blobs/${NOTHING}`), status: 404, code: 'BLOB_UNKNOWN' },
  {
    name: 'a manifest that another repository has',
    ask: get(`/v2/bad/nowhere/manifests/${IMAGE.manifest.digest}`),
    status: 404,
    code: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
  },
  {
    name: 'a blob that another repository has',
    ask: get(`/v2/bad/nowhere/blobs/${IMAGE.blobs[0]?.digest}`),
    status: 404,
    code: 'BLOB_UNKNOWN',
  },
  { name: 'tags of an unknown repository', ask: get('/v2/bad/nowhere/tags/list'), status: 404, code: 'NAME_UNKNOWN' },
  {
    name: 'an unknown tag to be deleted',
    ask: request('DELETE', '/v2/<name>/manifests/v9'),
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    name: 'an unknown manifest to be deleted',
    ask: request('DELETE', `/v2/<name>/manifests/${NOTHING}`),
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    name: 'an unknown blob to be deleted',
    ask: request('DELETE', `/v2/<name>/blobs/${NOTHING}`),
    status: 404,
    code: 'BLOB_UNKNOWN',
  },
];

const methods: readonly Row[] = (
  [
    ['PROPFIND', '/v2/<name>/manifests/v1', 'GET, HEAD, PUT, DELETE'],
    ['POST', '/v2/<name>/manifests/v1', 'GET, HEAD, PUT, DELETE'],
    ['PATCH', '/v2/<name>/manifests/v1', 'GET, HEAD, PUT, DELETE'],
    ['PUT', '/v2/<name>/tags/list', 'GET, HEAD'],
    ['DELETE', '/v2/<name>/tags/list', 'GET, HEAD'],
    ['POST', '/v2/', 'GET, HEAD'],
    ['DELETE', '/v2/_catalog', 'GET, HEAD'],
    ['GET', '/v2/<name>/blobs/uploads/', 'POST'],
    ['PUT', `/v2/<name>/blobs/${NOTHING}`, 'GET, HEAD, DELETE'],
    ['POST', `/v2/<name>/referrers/${NOTHING}`, 'GET, HEAD'],
    ['OPTIONS', '/v2/<name>/tags/list', 'GET, HEAD'],
    ['TRACE', '/v2/<name>/tags/list', 'GET, HEAD'],
  ] as const
).map(([method, path, allow]) => ({
  name: `${method} ${path.replace(NOTHING, '<digest>')}`,
  ask: request(method, path),
  status: 405,
  code: 'UNSUPPORTED',
  also: ({ headers }) => expect(headers.allow).toBe(allow),
}));

const NOWHERE = [
  '/v2//',
  '/v1/',
  '/v2/x/unknown/y',
  '/V2/',
  '/',
  '/v2/x',
  '/v2/manifests/v1',
  '/index.html',
  '/v2/a/b/c/d',
];

const routes: readonly Row[] = [
  { name: 'the path /v2', ask: get('/v2'), status: [301, 404] },
  ...NOWHERE.map((path): Row => ({ name: `the path ${path}`, ask: get(path), status: 404, code: 'NOT_FOUND' })),
  {
    name: 'a URL of 9,000 characters',
    ask: get(`/v2/${'a'.repeat(9_000)}/tags/list`),
    status: 414,
    code: 'NAME_INVALID',
  },
];

export const namesAndRoutes: readonly Row[] = [...names, ...tags, ...unknown, ...methods, ...routes];
