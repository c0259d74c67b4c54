import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from './digest.js';
import { MAX_MANIFEST_BYTES } from './manifest.js';
import { MEDIA_TYPES } from './media-type.js';
import { parseManifest } from './parse-manifest.js';
import { RegistryError } from './registry-error.js';

const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
const ELSEWHERE = ['http://169.254.169.254/'];

const descriptor = (content: string, fields: object = {}) => ({
  mediaType: MEDIA_TYPES.ociLayer,
  digest: digestOf(content),
  size: content.length,
  ...fields,
});
const config = descriptor('config', { mediaType: MEDIA_TYPES.ociConfig });
const child = (content: string, fields: object = {}) =>
  descriptor(content, { mediaType: MEDIA_TYPES.ociManifest, ...fields });
const required = (content: string) => ({ digest: digestOf(content), size: content.length });

const image = (fields: object = {}) => ({
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.ociManifest as string,
  config,
  layers: [descriptor('layer')],
  ...fields,
});
const index = (fields: object = {}) => ({
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.ociIndex as string,
  manifests: [child('child')],
  ...fields,
});

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
const parse = (value: { mediaType?: unknown }, contentType = value.mediaType as string | undefined) =>
  parseManifest(bytesOf(value), contentType);
const INVALID = expect.objectContaining({ name: 'RegistryError', code: 'MANIFEST_INVALID', status: 400 });

/** The text with one character replaced. */
function mutated(text: string): fc.Arbitrary<Buffer> {
  const place = fc.nat(text.length - 1);
  return fc
    .tuple(place, fc.string({ maxLength: 2 }))
    .map(([at, by]) => Buffer.from(text.slice(0, at) + by + text.slice(at + 1)));
}

describe('parseManifest', () => {
  it('reads an image and keeps its bytes', () => {
    const content = Buffer.from(`  ${JSON.stringify(image({ annotations: { a: 'b' } }), undefined, 3)}\n`);
    expect(parseManifest(content, MEDIA_TYPES.ociManifest)).toEqual({
      kind: 'image',
      digest: digestOf(content),
      mediaType: MEDIA_TYPES.ociManifest,
      content,
      blobs: [required('config'), required('layer')],
      children: [],
      artifactType: MEDIA_TYPES.ociConfig,
      annotations: { a: 'b' },
    });
  });

  it('reads an index', () => {
    const platform = { architecture: 'arm64', os: 'linux' };
    const manifest = parse(index({ manifests: [child('a', { platform }), child('b'), child('a')] }));
    expect(manifest).toMatchObject({ kind: 'index', blobs: [] });
    expect(manifest.children).toEqual([child('a', { platform }), child('b')]);
    expect(manifest).not.toHaveProperty('artifactType');
  });

  it.each([
    [MEDIA_TYPES.dockerManifest, image({ mediaType: MEDIA_TYPES.dockerManifest }), 'image'],
    [MEDIA_TYPES.dockerManifestList, index({ mediaType: MEDIA_TYPES.dockerManifestList }), 'index'],
    [`${MEDIA_TYPES.ociManifest}; charset=utf-8`, image(), 'image'],
    [MEDIA_TYPES.ociManifest, image({ mediaType: undefined }), 'image'],
    [undefined, image(), 'image'],
  ])('reads what comes as %s', (contentType, value, kind) => {
    expect(parse(value, contentType)).toMatchObject({ kind, mediaType: contentType?.split(';')[0] ?? value.mediaType });
  });

  it('names the content by the digest that it was pushed by', () => {
    const content = bytesOf(image());
    expect(parseManifest(content, undefined, 'sha512').digest).toBe(digestOf(content, 'sha512'));
  });

  it.each([
    ['no layers', { layers: [] }, [required('config')]],
    ['layers that were not set', { layers: null }, [required('config')]],
    ['a layer twice', { layers: [descriptor('a'), descriptor('a')] }, [required('config'), required('a')]],
    ['the config as a layer', { layers: [config] }, [required('config')]],
    ['an empty layer', { layers: [descriptor('')] }, [required('config'), required('')]],
    ['embedded data', { layers: [descriptor('a', { data: 'YQ==' })] }, [required('config'), required('a')]],
    ['no urls', { layers: [descriptor('a', { urls: [] })] }, [required('config'), required('a')]],
    ['a foreign layer', { layers: [descriptor('a', { mediaType: FOREIGN, urls: ELSEWHERE })] }, [required('config')]],
    [
      'a foreign layer without urls',
      { layers: [descriptor('a', { mediaType: FOREIGN })] },
      [required('config'), required('a')],
    ],
    ['an unknown config', { config: descriptor('c', { mediaType: 'x/y' }), layers: [] }, [required('c')]],
    ['a config without a type', { config: descriptor('c', { mediaType: '' }), layers: [] }, [required('c')]],
  ])('takes an image with %s', (_, fields, blobs) => {
    expect(parse(image(fields)).blobs).toEqual(blobs);
  });

  it('takes what is no manifest in an index for a blob', () => {
    const cache = descriptor('cache', { mediaType: 'application/vnd.buildkit.cacheconfig.v0' });
    expect(parse(index({ manifests: [descriptor('layer'), cache, child('child')] }))).toMatchObject({
      blobs: [required('layer'), required('cache')],
      children: [child('child')],
    });
  });

  it.each([
    ['its own', image({ artifactType: 'application/x' }), 'application/x'],
    ["its config's", image(), MEDIA_TYPES.ociConfig],
    ["its config's, if its own is empty", image({ artifactType: '' }), MEDIA_TYPES.ociConfig],
    ['none, as its config has none', image({ config: descriptor('c', { mediaType: '' }) }), undefined],
    ['its own, being an index', index({ artifactType: 'application/x' }), 'application/x'],
    ['none, being an index', index(), undefined],
  ])('has as artifact type %s', (_, value, artifactType) => {
    expect(parse(value).artifactType).toBe(artifactType);
  });

  it.each([
    ['an image', image({ subject: child('subject') })],
    ['an index', index({ subject: child('subject') })],
  ])('knows the subject of %s', (_, value) => {
    expect(parse(value).subject).toEqual(required('subject'));
  });

  it.each([
    ['manifests and layers', image({ manifests: [] })],
    ['an index with config', index({ config })],
    ['an index with layers', index({ layers: [] })],
    ['an image without config', image({ config: undefined })],
    ['an image without layers', image({ layers: undefined })],
    ['layers that are no list', image({ layers: {} })],
    ['an index without manifests', index({ manifests: undefined })],
    ['a schema version of another kind', image({ schemaVersion: 1 })],
    ['no schema version', image({ schemaVersion: undefined })],
    ['annotations that are no strings', image({ annotations: { a: 1 } })],
    ['a line break in artifactType', image({ artifactType: 'a/b\r\nSet-Cookie: x' })],
    ['a line break in mediaType', image({ mediaType: `${MEDIA_TYPES.ociManifest}\r\nX: y` })],
    ['a long artifactType', image({ artifactType: 'a'.repeat(256) })],
    ['urls of a common layer', image({ layers: [descriptor('a', { urls: ELSEWHERE })] })],
    ['urls of a config', image({ config: { ...config, urls: ELSEWHERE } })],
    ['urls of a child', index({ manifests: [child('a', { urls: ELSEWHERE })] })],
    ['urls that are no list', image({ layers: [descriptor('a', { mediaType: FOREIGN, urls: 'http://a' })] })],
    ['one digest with two sizes', image({ layers: [descriptor('a'), descriptor('a', { size: 2 })] })],
    ['a malformed subject', image({ subject: { digest: 'x' } })],
    ['data that is no string', image({ layers: [descriptor('a', { data: {} })] })],
    ['a layer without type', image({ layers: [descriptor('a', { mediaType: undefined })] })],
    ...[-1, 1.5, 2 ** 53, '12', null, [1]].map((size) => [
      `a size of ${JSON.stringify(size)}`,
      image({ layers: [descriptor('a', { size })] }),
    ]),
    ...['sha256:x', 'md5:d41d8cd98f00b204e9800998ecf8427e', { toString: 1 }, 5, null].map((digest) => [
      `a digest of ${JSON.stringify(digest)}`,
      image({ layers: [descriptor('a', { digest })] }),
    ]),
  ] as [string, { mediaType?: unknown }][])('refuses %s', (_, value) => {
    expect(() => parseManifest(bytesOf(value), MEDIA_TYPES.ociManifest)).toThrow(INVALID);
    expect(() => parseManifest(bytesOf(value), undefined)).toThrow(INVALID);
  });

  it.each([
    ['another Content-Type', image(), MEDIA_TYPES.dockerManifest],
    ['a Content-Type of another kind', image({ mediaType: undefined }), MEDIA_TYPES.ociIndex],
    ['no type at all', image({ mediaType: undefined }), undefined],
    ['a Content-Type that is garbage', image(), `${MEDIA_TYPES.ociManifest} garbage`],
    ['a Content-Type with a tab in it', image({ mediaType: undefined }), 'application/json\tx'],
    ['a type that is no manifest', image({ mediaType: undefined }), 'application/json'],
  ])('refuses %s', (_, value, contentType) => {
    expect(() => parseManifest(bytesOf(value), contentType)).toThrow(INVALID);
  });

  it('says plainly that schema 1 is not supported', () => {
    const mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    expect(() => parse({ schemaVersion: 1, fsLayers: [] } as object, mediaType)).toThrow(
      expect.objectContaining({ detail: { reason: expect.stringContaining('schema 1') } }),
    );
  });

  it.each(['', 'null', '[]', '{}', '"x"', '{"schemaVersion":2', '{"schemaVersion":2,"schemaVersion":2}'])(
    'refuses the content %j',
    (text) => {
      expect(() => parseManifest(Buffer.from(text), MEDIA_TYPES.ociManifest)).toThrow(INVALID);
    },
  );

  it('takes a manifest as large as the cap, and none larger', () => {
    const json = JSON.stringify(image());
    const padded = (bytes: number) => Buffer.from(json.padEnd(bytes));
    expect(parseManifest(padded(MAX_MANIFEST_BYTES), undefined).kind).toBe('image');
    expect(() => parseManifest(padded(MAX_MANIFEST_BYTES + 1), undefined)).toThrow(
      expect.objectContaining({ code: 'SIZE_INVALID', status: 413 }),
    );
  });

  it('takes an index of very many', () => {
    const manifests = Array.from({ length: 10_001 }, (_, number) => child(String(number)));
    expect(parse(index({ manifests })).children).toHaveLength(10_001);
  });

  it('throws nothing but RegistryError', () => {
    const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(config, [config], {}, []));
    const fields = ['mediaType', 'config', 'layers', 'manifests', 'subject', 'annotations', 'artifactType'];
    const odd = fc
      .tuple(
        fc.constantFrom<object>(image(), index(), {}),
        fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), anything),
      )
      .map(([base, over]) => bytesOf({ ...base, ...over }));
    const contentTypes = fc.option(fc.oneof(fc.constantFrom(...Object.values(MEDIA_TYPES)), fc.string()), {
      nil: undefined,
    });
    fc.assert(
      fc.property(
        fc.oneof(odd, mutated(JSON.stringify(image())), fc.uint8Array()),
        contentTypes,
        (content, contentType) => {
          try {
            const manifest = parseManifest(content, contentType);
            expect(manifest.digest).toBe(digestOf(content));
            expect(Buffer.from(manifest.content).equals(content)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(RegistryError);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
