import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findMediaType, isDockerSchema1, isForeignLayer, MEDIA_TYPES, manifestKind } from './media-type.js';

describe('findMediaType', () => {
  it.each([
    ['application/json', 'application/json'],
    ['Application/JSON', 'application/json'],
    ['application/json; charset=utf-8', 'application/json'],
    ['application/json ;charset="utf-8; \\" x" ; a=b ', 'application/json'],
    ['application/json;', 'application/json'],
    [MEDIA_TYPES.ociIndex, MEDIA_TYPES.ociIndex],
  ])('reads %j', (contentType, mediaType) => expect(findMediaType(contentType)).toBe(mediaType));

  it.each([
    '',
    'application',
    'application/',
    '/json',
    'application/json\tx',
    `${MEDIA_TYPES.ociManifest} garbage`,
    'application/json, text/html',
    'application/json; charset',
    'application/json; charset="utf-8',
    'application/json; a=b\r\nX: y',
    ' application/json',
    'application/json/x',
    `application/${'x'.repeat(128)}`,
    `application/json${'; a=b'.repeat(1000)}`,
  ])('finds none in %j', (contentType) => expect(findMediaType(contentType)).toBeUndefined());

  it('gives only what may stand in a header', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `a/b${text}`),
        ),
        (text) => {
          expect(findMediaType(text) ?? 'a/b').toMatch(/^[!-~]+\/[!-~]+$/);
        },
      ),
    );
  });
});

describe('media types', () => {
  it.each([
    [MEDIA_TYPES.ociManifest, 'image'],
    [MEDIA_TYPES.dockerManifest, 'image'],
    [MEDIA_TYPES.ociIndex, 'index'],
    [MEDIA_TYPES.dockerManifestList, 'index'],
    [MEDIA_TYPES.ociConfig, undefined],
    ['constructor', undefined],
  ])('%s is of kind %s', (mediaType, kind) => expect(manifestKind(mediaType)).toBe(kind));

  it('knows the schema that Docker left behind', () => {
    expect(isDockerSchema1('application/vnd.docker.distribution.manifest.v1+prettyjws')).toBe(true);
    expect(isDockerSchema1('application/vnd.docker.distribution.manifest.v1+json')).toBe(true);
    expect(isDockerSchema1(MEDIA_TYPES.dockerManifest)).toBe(false);
  });

  it.each([
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', true],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', false],
    [MEDIA_TYPES.ociLayer, false],
  ])('%s may live elsewhere: %s', (mediaType, foreign) => expect(isForeignLayer(mediaType)).toBe(foreign));
});
