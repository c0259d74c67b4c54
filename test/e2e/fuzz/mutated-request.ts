import { SeededRandom } from '#libs/resilience/testing';
import { sampleImage, sha256 } from '../../support/oci-client.js';
import type { Ask } from '../bad-input/wire.js';

export const FUZZ_REPOSITORY = 'fuzz/app';
export const FUZZ_IMAGE = sampleImage('fuzz', [Buffer.from('0123456789')]);

const { manifest, blobs } = FUZZ_IMAGE;
const MANIFEST = Buffer.from(manifest.bytes).toString();
const BLOB = blobs[1]?.digest ?? '';
const ABC = sha256(Buffer.from('abc'));
const SESSION = '00000000-0000-4000-8000-000000000000';
const ROOT = `/v2/${FUZZ_REPOSITORY}`;
const type = { 'content-type': manifest.mediaType };

/** Requests that are right. */
const SEEDS: readonly Ask[] = [
  { path: '/v2/' },
  { path: '/v2/_catalog?n=2&last=a' },
  { path: `${ROOT}/tags/list?n=2&last=v0` },
  { path: `${ROOT}/referrers/${manifest.digest}?artifactType=application/x.y` },
  { path: `${ROOT}/manifests/v1`, headers: { accept: manifest.mediaType, 'if-none-match': `"${BLOB}"` } },
  { method: 'HEAD', path: `${ROOT}/manifests/${manifest.digest}` },
  { method: 'PUT', path: `${ROOT}/manifests/v2?tag=a`, headers: { ...type, 'if-match': `"${BLOB}"` }, body: MANIFEST },
  { method: 'PUT', path: `${ROOT}/manifests/v1`, headers: type, body: MANIFEST },
  { method: 'DELETE', path: `${ROOT}/manifests/v3` },
  { path: `${ROOT}/blobs/${BLOB}`, headers: { range: 'bytes=2-4', 'if-range': `"${BLOB}"` } },
  { method: 'DELETE', path: `${ROOT}/blobs/${ABC}` },
  { method: 'POST', path: `${ROOT}/blobs/uploads/` },
  { method: 'POST', path: `${ROOT}/blobs/uploads/?digest=${ABC}`, body: 'abc' },
  { method: 'POST', path: `${ROOT}/blobs/uploads/?mount=${BLOB}&from=${FUZZ_REPOSITORY}` },
  { path: `${ROOT}/blobs/uploads/${SESSION}` },
  { method: 'PATCH', path: `${ROOT}/blobs/uploads/${SESSION}`, headers: { 'content-range': '0-2' }, body: 'abc' },
  { method: 'PUT', path: `${ROOT}/blobs/uploads/${SESSION}?digest=${ABC}`, body: 'abc' },
  { path: '/_meridian/v1/journal?after=0', headers: { authorization: 'Meridian abc.def' } },
  { path: `${ROOT}/blobs/${BLOB}?meridian-grant=abc.def` },
];

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'MKCOL', 'TRACE'];
const HEADERS = ['range', 'content-range', 'content-type', 'if-match', 'if-none-match', 'accept', 'authorization'];
const MORE_HEADERS = ['content-encoding', 'host', 'meridian-hop', 'x-request-id', 'x-forwarded-for', 'cookie', 'te'];

/** What breaks parsers: ends of ranges, ends of encodings, words of the language that this is written in. */
const BITS = [
  ...[
    '',
    '0',
    '-1',
    '1e9',
    '9007199254740993',
    'NaN',
    'null',
    'undefined',
    'true',
    '[]',
    '{}',
    '"',
    "'",
    ',',
    ';',
    '=',
  ],
  ...[
    '/',
    '//',
    '..',
    '/../',
    '%2f',
    '%00',
    '%',
    '%zz',
    '%ff',
    '%c0%ae',
    '\\',
    '?',
    '&',
    '#',
    ':',
    '@',
    '*',
    ' ',
    '+',
    '~',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'sha256:',
    'sha512:',
    'md5:',
    'bytes=',
    'W/',
    'é',
    '\u{1f433}',
  ],
  ...['manifests', 'blobs', 'uploads', 'tags', 'list', '_catalog', 'x'.repeat(300), '0'.repeat(128), '('.repeat(50)],
];

/** The request of this seed: a right one, with one to four things wrong. */
export function mutatedRequest(random: SeededRandom): Ask {
  let request = pick(random, SEEDS);
  for (let left = 1 + random.below(4); left > 0; left -= 1) request = mutate(random, request);
  return request;
}

function mutate(random: SeededRandom, request: Ask): Ask {
  const { headers = {}, body } = request;
  switch (random.below(5)) {
    case 0:
      return { ...request, method: pick(random, METHODS) };
    case 1:
      return typeof body === 'string'
        ? { ...request, body: mutateText(random, body) }
        : { ...request, body: pick(random, BITS) };
    case 2: {
      const name = pick(random, [...Object.keys(headers), ...HEADERS, ...MORE_HEADERS]);
      return { ...request, headers: { ...headers, [name]: mutateText(random, String(headers[name] ?? '0-9')) } };
    }
    default:
      return { ...request, path: `/${encodeRest(mutateText(random, request.path.slice(1)))}` };
  }
}

/** Something cut out, put in, doubled, or put in the place of something else. */
export function mutateText(random: SeededRandom, text: string): string {
  const [from, to] = [random.below(text.length + 1), random.below(text.length + 1)].toSorted((a, b) => a - b);
  const [start, end] = [from ?? 0, Math.min(to ?? 0, (from ?? 0) + 1 + random.below(12))];
  const [before, middle, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  switch (random.below(4)) {
    case 0:
      return before + after;
    case 1:
      return before + pick(random, BITS) + middle + after;
    case 2:
      return before + middle + middle + after;
    default:
      return before + pick(random, BITS) + after;
  }
}

/** A target may hold anything but blanks and what is not ASCII: no client could send it. */
function encodeRest(text: string): string {
  return text.replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
}

function pick<T>(random: SeededRandom, all: readonly T[]): T {
  const found = all[random.below(all.length)];
  if (found === undefined) throw new RangeError('nothing to choose from');
  return found;
}
