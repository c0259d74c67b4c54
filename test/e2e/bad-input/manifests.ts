import { Readable } from 'node:stream';
import { expect } from '@jest/globals';
import { sha256 } from '../../support/oci-client.js';
import { get, IMAGE, type Place, type Row, TEN } from './place.js';
import { ask } from './wire.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LIMIT = 4 * 1024 * 1024;
const NOTHING = sha256(Buffer.from('nothing has this digest'));

const image = JSON.parse(Buffer.from(IMAGE.manifest.bytes).toString()) as Record<string, unknown> & {
  readonly config: object;
  readonly layers: readonly object[];
};
const [layer] = image.layers;
const index = { schemaVersion: 2, mediaType: INDEX, manifests: [] as object[] };
const child = { mediaType: MANIFEST, digest: IMAGE.manifest.digest, size: IMAGE.manifest.size };

interface Put {
  readonly contentType?: string | undefined;
  readonly reference?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A push of this content to a tag that nothing else uses. */
function put(content: object | string | Uint8Array | (() => Readable), options: Put = {}): Row['ask'] {
  const { reference = 'bad', headers = {} } = options;
  const contentType = 'contentType' in options ? options.contentType : MANIFEST;
  const plain = typeof content === 'object' && !(content instanceof Uint8Array);
  const body = plain ? JSON.stringify(content) : (content as string | Uint8Array | (() => Readable));
  return ({ repository }) => ({
    method: 'PUT',
    path: `/v2/${repository}/manifests/${reference}`,
    headers: { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...headers },
    body,
  });
}

const text = JSON.stringify(image);
const sized = (size: string) => text.replace(`"size":${TEN.size}`, `"size":${size}`);
const withLayer = (more: object) => ({ ...image, layers: [{ ...layer, ...more }] });

const refused: readonly (readonly [string, Row['ask']])[] = [
  ['layers and manifests at once', put({ ...image, manifests: [] })],
  ['an index with a config', put({ ...index, config: image.config }, { contentType: INDEX })],
  ['an index with layers', put({ ...index, layers: [] }, { contentType: INDEX })],
  ['a mediaType that is not the Content-Type', put(image, { contentType: INDEX })],
  ['a manifest without any type', put({ ...image, mediaType: undefined }, { contentType: undefined })],
  ['a Content-Type with a tab in it', put(image, { contentType: 'application/json\tx' })],
  ['a Content-Type with something behind it', put(image, { contentType: `${MANIFEST} garbage` })],
  ['a Content-Type of another world', put({ ...image, mediaType: undefined }, { contentType: 'text/html' })],
  ['no content', put('')],
  ['null', put('null')],
  ['a list', put('[]')],
  ['half a manifest', put(text.slice(0, text.length / 2))],
  ['a key twice', put(text.replace('"digest":', `"digest":"${NOTHING}","digest":`))],
  ['a key twice, once in disguise', put(text.replace('"digest":', `"dig\\u0065st":"${NOTHING}","digest":`))],
  ['a prototype', put(text.replace('{', '{"__proto__":{"schemaVersion":2},'))],
  ['a size below zero', put(sized('-1'))],
  ['half a byte', put(sized('1.5'))],
  ['a size that no number holds', put(sized('9007199254740993'))],
  ['a size in words', put(sized('"10"'))],
  [
    'a hundred thousand lists in each other',
    put(`{"schemaVersion":2,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  ],
  [
    'bytes that are no UTF-8',
    put(Buffer.concat([Buffer.from('{"schemaVersion":2,"x":"'), Buffer.from([0xff]), Buffer.from('"}')])),
  ],
  ['an ordinary layer that lives elsewhere', put(withLayer({ urls: ['http://169.254.169.254/'] }))],
  [
    'a mediaType with a line break',
    put({ ...image, mediaType: `${MANIFEST}\r\nX-Evil: 1` }, { contentType: undefined }),
  ],
  ['an artifactType with a line break', put({ ...image, artifactType: 'a/b\r\nX-Evil: 1' })],
  ['a layer without a digest', put(withLayer({ digest: undefined }))],
  ['a layer with a path for a digest', put(withLayer({ digest: 'sha256:../../../etc/passwd' }))],
  ['a list of layers that is none', put({ ...image, layers: { 0: layer } })],
  ['a wrong schemaVersion', put({ ...image, schemaVersion: 1 })],
  [
    'an invalid tag among five',
    put(image, { reference: `${IMAGE.manifest.digest}?tag=m1&tag=m2&tag=.x&tag=m3&tag=m4` }),
  ],
];

const tagsUnmoved = async (_: unknown, { origin, repository }: Place) => {
  const { body } = await ask(origin, { path: `/v2/${repository}/tags/list` });
  const { tags } = JSON.parse(body.toString()) as { readonly tags: readonly string[] };
  expect(tags).not.toEqual(expect.arrayContaining(['bad']));
  expect(tags).not.toEqual(expect.arrayContaining(['m1']));
};

const padded = (length: number): string => {
  const empty = JSON.stringify({ ...image, annotations: { padding: '' } });
  return JSON.stringify({ ...image, annotations: { padding: 'x'.repeat(length - empty.length) } });
};
const chunked = (content: string) => () => Readable.from([content.slice(0, 1_000), content.slice(1_000)]);
const many = (count: number, of: (at: number) => object) => Array.from({ length: count }, (_, at) => of(at));

const sizes: readonly Row[] = [
  { name: 'a manifest of 4 MiB', ask: put(padded(LIMIT), { reference: 'four' }), status: 201 },
  { name: 'a manifest of 4 MiB in chunks', ask: put(chunked(padded(LIMIT)), { reference: 'four' }), status: 201 },
  { name: 'one byte more', ask: put(padded(LIMIT + 1)), status: 413, code: 'SIZE_INVALID' },
  { name: 'one byte more, in chunks', ask: put(chunked(padded(LIMIT + 1))), status: 413, code: 'SIZE_INVALID' },
  { name: '20 MB in chunks', ask: put(chunked(padded(20_000_000))), status: 413, code: 'SIZE_INVALID' },
  {
    name: 'an index of 10,001 manifests that are not there',
    ask: put(
      { ...index, manifests: many(10_001, (at) => ({ ...child, digest: sha256(Buffer.from(`${at}`)) })) },
      { contentType: INDEX },
    ),
    status: [400, 404],
    code: ['MANIFEST_INVALID', 'MANIFEST_BLOB_UNKNOWN'],
  },
  {
    name: 'an index that names one manifest 10,001 times',
    ask: put({ ...index, manifests: many(10_001, () => child) }, { contentType: INDEX, reference: 'long' }),
    status: [201, 400],
  },
  {
    name: '5,000 annotations',
    ask: put(
      { ...image, annotations: Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`key.${at}`, `${at}`])) },
      { reference: 'annotations' },
    ),
    status: [201, 400],
  },
  { name: 'an annotation of 1 MiB', ask: put(padded(1024 * 1024), { reference: 'annotation' }), status: [201, 400] },
];

const otherBlob = { ...layer, digest: sha256(Buffer.from('only elsewhere')), size: 14 };

const missing: readonly Row[] = [
  {
    name: 'layers that are not there',
    ask: put({ ...image, layers: [{ ...layer, digest: NOTHING }, layer, otherBlob] }),
    status: 404,
    code: 'MANIFEST_BLOB_UNKNOWN',
    also: ({ body }) => {
      const { errors } = JSON.parse(body.toString()) as { errors: { detail: { digest: string } }[] };
      expect(errors.map(({ detail }) => detail.digest).toSorted()).toEqual([NOTHING, otherBlob.digest].toSorted());
    },
  },
  {
    name: 'an index whose manifest is not there',
    ask: put({ ...index, manifests: [{ ...child, digest: NOTHING }] }, { contentType: INDEX }),
    status: 404,
    code: 'MANIFEST_BLOB_UNKNOWN',
  },
  {
    name: 'a layer that only another repository has',
    ask: async (place) => {
      const path = `/v2/bad/elsewhere/blobs/uploads/?digest=${otherBlob.digest}`;
      await ask(place.origin, { method: 'POST', path, body: 'only elsewhere' });
      return put({ ...image, layers: [otherBlob] })(place);
    },
    status: 404,
    code: 'MANIFEST_BLOB_UNKNOWN',
  },
  {
    name: 'a layer with a wrong size',
    ask: put(withLayer({ size: 11 })),
    status: [400, 404],
    code: ['MANIFEST_INVALID', 'MANIFEST_BLOB_UNKNOWN'],
  },
  {
    name: 'a manifest under a digest that is not its own',
    ask: put(image, { reference: NOTHING }),
    status: 400,
    code: 'DIGEST_INVALID',
  },
];

const conditions: readonly Row[] = [
  {
    name: 'If-None-Match: * for a tag that is there',
    ask: put(image, { reference: 'v1', headers: { 'if-none-match': '*' } }),
    status: 412,
    code: 'PRECONDITION_FAILED',
  },
  {
    name: 'If-Match for a tag that points elsewhere',
    ask: put(image, { reference: 'v1', headers: { 'if-match': `"${NOTHING}"` } }),
    status: 412,
    code: 'PRECONDITION_FAILED',
  },
  {
    name: 'If-Match for a tag that is not there',
    ask: put(image, { reference: 'bad', headers: { 'if-match': `"${IMAGE.manifest.digest}"` } }),
    status: 412,
    code: 'PRECONDITION_FAILED',
  },
  {
    name: 'If-Match for a tag that points there',
    ask: put(image, { reference: 'v1', headers: { 'if-match': `"${IMAGE.manifest.digest}"` } }),
    status: 201,
  },
  {
    name: 'a manifest with Content-Encoding',
    ask: put(image, { headers: { 'content-encoding': 'gzip' } }),
    status: [400, 415],
  },
];

const readings: readonly Row[] = [
  {
    name: 'an Accept that excludes what is stored',
    ask: get('/v2/<name>/manifests/v1', { accept: 'application/vnd.docker.distribution.manifest.v1+json' }),
    status: 200,
    also: ({ body }) => expect(body.equals(Buffer.from(IMAGE.manifest.bytes))).toBe(true),
  },
  {
    name: 'an annotation with a line break, which no header has',
    ask: put({ ...image, annotations: { a: 'b\r\nX-Evil: 1' } }, { reference: 'annotated' }),
    status: 201,
    also: ({ headers }) => expect(headers['x-evil']).toBeUndefined(),
  },
  {
    name: 'a subject that is not there',
    ask: put({ ...image, subject: { ...child, digest: NOTHING } }, { reference: 'signature' }),
    status: 201,
    also: ({ headers }) => expect(headers['oci-subject']).toBe(NOTHING),
  },
  {
    name: 'a push with fifty tags',
    ask: put(image, { reference: `${IMAGE.manifest.digest}?${many50()}` }),
    status: [201, 414],
  },
  {
    name: 'what refers to an unknown manifest',
    ask: get(`/v2/<name>/referrers/${sha256(Buffer.from('another'))}`),
    status: 200,
    also: ({ body }) => expect(JSON.parse(body.toString())).toMatchObject({ mediaType: INDEX, manifests: [] }),
  },
  {
    name: 'what refers to no digest',
    ask: get('/v2/<name>/referrers/sha256:xyz'),
    status: 400,
    code: 'DIGEST_INVALID',
  },
];

function many50(): string {
  return Array.from({ length: 50 }, (_, at) => `tag=fifty-${at}`).join('&');
}

export const manifests: readonly Row[] = [
  ...refused.map(([name, ask]): Row => ({ name, ask, status: 400, code: 'MANIFEST_INVALID', also: tagsUnmoved })),
  ...sizes,
  ...missing,
  ...conditions,
  ...readings,
];
