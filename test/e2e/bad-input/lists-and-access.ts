import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { type GrantScope, issueGrant, issueRegionToken, parseRegionName } from '#libs/geo';
import { parseDigest, parseRepositoryName } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { get, type Place, type Row, TEN } from './place.js';

const LIST = '/v2/<name>/tags/list';
const BLOB = `/v2/<name>/blobs/${TEN.digest}`;

const pages: readonly Row[] = [
  ...['-1', 'abc', '1.5', '', '1e9', '0x10'].map(
    (n): Row => ({ name: `pages of n=${n}`, ask: get(`${LIST}?n=${n}`), status: 400, code: 'UNSUPPORTED' }),
  ),
  { name: 'a catalog in pages of n=-1', ask: get('/v2/_catalog?n=-1'), status: 400, code: 'UNSUPPORTED' },
  { name: 'a very long page', ask: get(`${LIST}?n=1000000000`), status: 200 },
  {
    name: 'an empty page',
    ask: get(`${LIST}?n=0`),
    status: 200,
    also: ({ headers, body }) => expect([headers.link, JSON.parse(body.toString()).tags]).toEqual([undefined, []]),
  },
  {
    name: 'a list behind 8,000 characters',
    ask: get(`${LIST}?last=${'x'.repeat(8_000)}`),
    status: [200, 400],
    code: 'UNSUPPORTED',
  },
  { name: 'a list behind a path', ask: get(`${LIST}?last=../../x`), status: [200, 400], code: 'UNSUPPORTED' },
  { name: 'a catalog behind a path', ask: get('/v2/_catalog?last=../../x'), status: [200, 400], code: 'UNSUPPORTED' },
  { name: 'a list behind a zero byte', ask: get(`${LIST}?last=%00`), status: [200, 400], code: 'UNSUPPORTED' },
  {
    name: 'a list behind bytes that are no UTF-8',
    ask: get(`${LIST}?last=%ff%fe`),
    status: [200, 400],
    code: 'UNSUPPORTED',
  },
];

const whole = ({ body }: { readonly body: Buffer }) => expect(body.toString()).toBe('0123456789');
const manyRanges = Array.from({ length: 1_000 }, (_, at) => `${at}-${at}`).join(',');

const ranges: readonly Row[] = [
  ...['bytes=0-0,5-9', 'bytes=9-5', 'bytes=x', 'lines=1-2', `bytes=${manyRanges}`, 'bytes=-', 'bytes=0-1-2'].map(
    (range): Row => ({ name: `the range ${range.slice(0, 20)}`, ask: get(BLOB, { range }), status: 200, also: whole }),
  ),
  ...['bytes=999999-', 'bytes=10-', 'bytes=-0', 'bytes=99999999999999999999-'].map(
    (range): Row => ({
      name: `the range ${range}`,
      ask: get(BLOB, { range }),
      status: 416,
      code: 'RANGE_INVALID',
      also: ({ headers }) => expect(headers['content-range']).toBe('bytes */10'),
    }),
  ),
  {
    name: 'a range that ends behind the end',
    ask: get(BLOB, { range: 'bytes=8-99999999999999999999' }),
    status: 206,
    also: ({ body }) => expect(body.toString()).toBe('89'),
  },
];

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;
const challenges: Row['also'] = ({ headers }) => expect(headers['www-authenticate']).toMatch(/^\w+ realm="/);

const credentials: readonly Row[] = (
  [
    ['that are no base64', 'Basic ***'],
    ['without a colon', basic('somebody')],
    ['with a line break', basic('some\nbody:secret')],
    ['with a zero byte', basic('somebody:\u0000')],
    ['that are empty', 'Basic '],
    ['of an unknown scheme', 'Negotiate abc'],
    ['with a blank in the token', 'Bearer a b'],
    ['given twice', [basic('a:b'), basic('c:d')]],
    ['of another cluster', 'Meridian abc.def'],
  ] as const
).flatMap(([what, authorization]): readonly Row[] => [
  {
    name: `credentials ${what}`,
    ask: get('/v2/', { authorization }),
    status: 401,
    code: 'UNAUTHORIZED',
    also: challenges,
  },
  {
    name: `a pull with credentials ${what}`,
    ask: get(LIST, { authorization }),
    status: 401,
    code: 'UNAUTHORIZED',
    also: challenges,
  },
]);

const headers: readonly Row[] = [
  {
    name: 'a token of 12,000 characters',
    ask: get('/v2/', { authorization: `Bearer ${'x'.repeat(12_000)}` }),
    status: [200, 401],
  },
  {
    name: 'headers of 17,000 characters',
    ask: get('/v2/', { authorization: `Bearer ${'x'.repeat(17_000)}` }),
    status: 431,
  },
];

/** A grant for the blob of ten bytes, except for what is given. */
function granted(
  method: string,
  change: (place: Place) => { scope?: Partial<GrantScope>; key?: Uint8Array; agoMs?: number },
): Row['ask'] {
  return (place) => {
    const { scope, key = place.keys.grant, agoMs = 0 } = change(place);
    const whole: GrantScope = {
      access: 'pull',
      repository: parseRepositoryName(place.repository),
      resource: { kind: 'blob', digest: parseDigest(TEN.digest) },
      region: parseRegionName(place.region),
      ...scope,
    };
    const grant = issueGrant(key, whole, systemClock.now() - agoMs, 60_000);
    return { method, path: `/v2/${place.repository}/blobs/${TEN.digest}?meridian-grant=${encodeURIComponent(grant)}` };
  };
}

/** For the regions alone: the router puts a grant of its own in the place of what it is given. */
export const grants: readonly Row[] = (
  [
    ['of another repository', granted('GET', () => ({ scope: { repository: parseRepositoryName('bad/other') } }))],
    ['of another blob', granted('GET', () => ({ scope: { resource: { kind: 'tags' } } }))],
    ['that has expired', granted('GET', () => ({ agoMs: 61_000 }))],
    ['from the future', granted('GET', () => ({ agoMs: -3_600_000 }))],
    ['of another region', granted('GET', () => ({ scope: { region: parseRegionName('elsewhere') } }))],
    ['to pull, for a change', granted('DELETE', () => ({}))],
    ['signed by another key', granted('GET', () => ({ key: randomBytes(32) }))],
    ['that is garbage', ({ repository }) => ({ path: `/v2/${repository}/blobs/${TEN.digest}?meridian-grant=%00x.y` })],
    ['that is empty', ({ repository }) => ({ path: `/v2/${repository}/blobs/${TEN.digest}?meridian-grant=` })],
    ['on a route that has none', () => ({ path: '/v2/_catalog?meridian-grant=x' })],
  ] as const satisfies readonly (readonly [string, Row['ask']])[]
).map(([what, ask]) => ({ name: `a grant ${what}`, ask, status: 403, code: 'DENIED' }));

const foreignToken = () => {
  const subject = { kind: 'region', name: parseRegionName('here') } as const;
  return `Meridian ${issueRegionToken(randomBytes(32), subject, systemClock)}`;
};

const INTERNAL = [
  'journal',
  'journal?after=0',
  'status',
  'status/stream',
  'presence',
  'promote',
  `blobs/${TEN.digest}`,
  'x',
  '',
];

/** For the regions alone: the router does not know these paths. */
export const internal: readonly Row[] = INTERNAL.flatMap((path) =>
  ([undefined, basic('somebody:secret'), foreignToken()] as const).map(
    (authorization): Row => ({
      name: `/_meridian/v1/${path.slice(0, 20)} with ${authorization?.split(' ')[0] ?? 'nothing'}`,
      ask: get(`/_meridian/v1/${path}`, authorization === undefined ? {} : { authorization }),
      status: 403,
      code: 'DENIED',
    }),
  ),
);

export const listsAndAccess: readonly Row[] = [...pages, ...ranges, ...credentials, ...headers];
