import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from './digest.js';
import { MAX_MANIFEST_BYTES } from './manifest.js';
import { MEDIA_TYPES } from './media-type.js';
import { parseManifest } from './parse-manifest.js';
import { RegistryError } from './registry-error.js';

const config = { mediaType: MEDIA_TYPES.ociConfig, digest: digestOf('config'), size: 6 };
const layer = { mediaType: MEDIA_TYPES.ociLayer, digest: digestOf('layer'), size: 5 };
const image = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [layer] };
const child = { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf('child'), size: 5 };
const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [child] };
const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

const parse = (body: unknown, contentType?: string) => parseManifest(Buffer.from(JSON.stringify(body)), contentType);
const parseText = (text: string, contentType?: string) => parseManifest(Buffer.from(text), contentType);

describe('a manifest', () => {
  it('of an image names its config and layers, once each', () => {
    const found = parse({ ...image, layers: [layer, layer] }, MEDIA_TYPES.ociManifest);
    expect(found).toMatchObject({ kind: 'image', children: [], artifactType: MEDIA_TYPES.ociConfig });
    expect(found.blobs).toEqual([config, layer].map(({ digest, size }) => ({ digest, size })));
  });

  it('of an index names its children', () => {
    expect(parse(index)).toMatchObject({ kind: 'index', blobs: [], children: [child] });
  });

  it.each([
    ['a type in the header only', { ...image, mediaType: undefined }, MEDIA_TYPES.ociManifest],
    ['a type in the body only', image, undefined],
    ['parameters after the type', image, `${MEDIA_TYPES.ociManifest}; charset=utf-8`],
    ['Docker schema 2', { ...image, mediaType: MEDIA_TYPES.dockerManifest }, MEDIA_TYPES.dockerManifest],
    ['no layers', { ...image, layers: [] }, MEDIA_TYPES.ociManifest],
    [
      'an unknown type of config',
      { ...image, config: { ...config, mediaType: 'text/x-thing' } },
      MEDIA_TYPES.ociManifest,
    ],
    ['embedded data', { ...image, layers: [{ ...layer, data: 'bGF5ZXI=' }] }, MEDIA_TYPES.ociManifest],
  ])('is accepted with %s', (_what, body, contentType) => {
    expect(parse(body, contentType).digest).toBe(digestOf(JSON.stringify(body)));
  });

  it('leaves foreign layers out of what must be stored', () => {
    const elsewhere = { ...layer, digest: digestOf('other'), mediaType: foreign, urls: ['http://169.254.169.254/'] };
    expect(parse({ ...image, layers: [layer, elsewhere] }).blobs).toHaveLength(2);
  });

  it('is of the type it says, or else of its config', () => {
    expect(parse({ ...image, artifactType: 'application/x.sbom' }).artifactType).toBe('application/x.sbom');
  });

  it.each<[string, unknown, string?]>([
    ['is both an image and an index', { ...image, manifests: [child] }],
    ['is an index with a config', { ...index, config }],
    ['is an index with layers', { ...index, layers: [] }],
    ['says another type than its header', image, MEDIA_TYPES.ociIndex],
    ['says no type at all', { ...image, mediaType: undefined }],
    ['has a malformed header', image, 'application/json\tx'],
    ['has garbage behind its type', image, `${MEDIA_TYPES.ociManifest} garbage`],
    ['has an unknown type', { ...image, mediaType: 'text/html' }],
    ['is Docker schema 1', { schemaVersion: 1 }, 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
    ['is null', null],
    ['is a list', []],
    ['has no config', { ...image, config: undefined }],
    ['has layers that are no list', { ...image, layers: {} }],
    ['has a negative size', { ...image, layers: [{ ...layer, size: -1 }] }],
    ['has half a byte', { ...image, layers: [{ ...layer, size: 1.5 }] }],
    ['has a size beyond safe integers', { ...image, layers: [{ ...layer, size: 2 ** 53 }] }],
    ['has a size in quotes', { ...image, layers: [{ ...layer, size: '12' }] }],
    ['gives one digest two sizes', { ...image, layers: [layer, { ...layer, size: 6 }] }],
    ['has a malformed digest', { ...image, layers: [{ ...layer, digest: 'sha256:xyz' }] }],
    ['points outside with an ordinary layer', { ...image, layers: [{ ...layer, urls: ['http://x/'] }] }],
    ['would put a line end into a header', { ...image, artifactType: 'a\r\nX-Evil: 1' }],
    ['has annotations that are no strings', { ...image, annotations: { a: 1 } }],
  ])('is refused when it %s', (_what, body, ...contentType) => {
    expect(() => parse(body, ...contentType)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
  });

  it.each([
    ['nothing', ''],
    ['half of one', JSON.stringify(image).slice(0, -5)],
    ['a repeated key', JSON.stringify(image).replace('{', '{"config":{},')],
    ['a repeated key in other letters', JSON.stringify(image).replace('{', String.raw`{"\u0063onfig":{},`)],
    ['__proto__', JSON.stringify(image).replace('{', '{"__proto__":{},')],
    ['deep nesting', '['.repeat(100_000)],
  ])('is refused when it is %s', (_what, text) => {
    expect(() => parseText(text, MEDIA_TYPES.ociManifest)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID' }),
    );
  });

  it('is refused when it is not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    expect(() => parseManifest(bytes, MEDIA_TYPES.ociManifest)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID' }),
    );
  });

  it('may have 4 MiB and not one byte more', () => {
    const padded = (size: number): string => {
      const bare = JSON.stringify({ ...image, annotations: { a: '' } });
      return bare.replace('"a":""', `"a":"${'x'.repeat(size - bare.length)}"`);
    };
    expect(parseText(padded(MAX_MANIFEST_BYTES)).blobs).toHaveLength(2);
    expect(() => parseText(padded(MAX_MANIFEST_BYTES + 1))).toThrow(expect.objectContaining({ status: 413 }));
  });

  it('never fails with anything but a registry error, and never changes its bytes', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constant(JSON.stringify(image)), mutated(JSON.stringify(image)));
    fc.assert(
      fc.property(text, fc.option(fc.string(), { nil: undefined }), (body, contentType) => {
        const bytes = Buffer.from(body);
        try {
          const found = parseManifest(bytes, contentType);
          expect(Buffer.from(found.content).equals(bytes)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The text with one character replaced. */
function mutated(text: string): fc.Arbitrary<string> {
  const place = fc.nat(text.length - 1);
  return fc.tuple(place, fc.string({ maxLength: 2 })).map(([at, by]) => text.slice(0, at) + by + text.slice(at + 1));
}
