import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { Place } from './places.js';
import { EMPTY, indexOf, push, type Sample, type SampleParts, sample, TYPES } from './samples.js';
import { contentOf, type ManifestContent, SpecClient } from './spec-client.js';

const ELSEWHERE = ['https://layers.example.com/blob'];
const empty = { mediaType: TYPES.empty, bytes: EMPTY };

/** A layer that is only named: nobody has its bytes here. */
const foreign = (mediaType: string) => ({
  mediaType,
  digest: contentOf(Buffer.from(mediaType)).digest,
  size: 1_234,
  urls: ELSEWHERE,
});

const DOCKER: SampleParts = {
  mediaType: TYPES.dockerManifest,
  config: { mediaType: TYPES.dockerConfig },
  layers: [{ mediaType: TYPES.dockerLayer, bytes: gzipSync('layer') }],
};

/** Everything that is pushed to registries in practice; what cannot be told from its type is only bytes to us. */
const KINDS: readonly (readonly [string, SampleParts])[] = [
  ['a Docker image (schema 2)', DOCKER],
  ['an OCI image', {}],
  ['a layer in zstd', { layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }] }],
  ['a layer in gzip', { layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', bytes: gzipSync('x') }] }],
  ['a config of a type that nobody knows', { config: { mediaType: 'application/vnd.example.unheard-of.v7+cbor' } }],
  ['an artifact with the empty descriptor', { config: empty, layers: [empty], more: { artifactType: 'text/x.note' } }],
  [
    'a bill of materials',
    {
      config: empty,
      layers: [{ mediaType: 'application/spdx+json' }],
      more: { artifactType: 'application/spdx+json' },
    },
  ],
  ['a bill of materials of CycloneDX', { config: empty, layers: [{ mediaType: 'application/vnd.cyclonedx+json' }] }],
  [
    'a WebAssembly module',
    {
      config: { mediaType: 'application/vnd.wasm.config.v0+json' },
      layers: [{ mediaType: 'application/wasm', bytes: Buffer.from('0061736d01000000', 'hex') }],
    },
  ],
  [
    'a Helm chart',
    {
      config: { mediaType: 'application/vnd.cncf.helm.config.v1+json' },
      layers: [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip' }],
    },
  ],
  [
    'a Docker image with a foreign layer',
    { ...DOCKER, elsewhere: [foreign('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')] },
  ],
  ...['tar', 'tar+gzip', 'tar+zstd'].map(
    (suffix) =>
      [
        `an OCI image with a non-distributable layer (${suffix})`,
        { elsewhere: [foreign(`application/vnd.oci.image.layer.nondistributable.v1.${suffix}`)] },
      ] as const,
  ),
];

/** Every media type goes in and comes out as it was. */
export function describeMediaTypes(place: Place): void {
  const client = new SpecClient(place.url, `${place.namespace}/media-types`);
  const comesBack = async ({ blobs, manifest }: Sample) => {
    const response = await client.send('GET', `manifests/${manifest.digest}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, manifest.mediaType]);
    expect(Buffer.from(await response.arrayBuffer()).equals(manifest.bytes)).toBe(true);
    for (const { bytes, digest } of blobs) {
      const blob = await client.send('GET', `blobs/${digest}`);
      expect(Buffer.from(await blob.arrayBuffer()).equals(bytes)).toBe(true);
    }
  };

  it.each(KINDS)('%s is stored as it is', async (_name, parts) => {
    const made = sample(parts);
    await push(client, made);
    await comesBack(made);
  });

  it.each([
    ['a Docker manifest list', TYPES.dockerList, DOCKER],
    ['an OCI index', TYPES.index, {}],
    ['an OCI index of Docker images', TYPES.index, DOCKER],
  ])('%s is stored as it is', async (_name, mediaType, parts) => {
    const image = sample(parts);
    await push(client, image);
    const manifest = indexOf([image.manifest], { mediaType });
    await push(client, { blobs: [], manifest });
    await comesBack({ blobs: image.blobs, manifest });
  });

  it('the bytes of a foreign layer are not here, and nobody is sent for them', async () => {
    const layer = foreign('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip');
    await push(client, sample({ ...DOCKER, elsewhere: [layer] }));
    const response = await client.send('GET', `blobs/${layer.digest}`);
    expect([response.status, new URL(response.url).hostname]).toEqual([404, new URL(place.url).hostname]);
  });

  describe('a Docker manifest of schema 1', () => {
    it.each(['json', 'prettyjws'])('(%s) is refused, and told why', async (suffix) => {
      const mediaType = `application/vnd.docker.distribution.manifest.v1+${suffix}`;
      const old = { schemaVersion: 1, name: client.repository, tag: 'old', fsLayers: [], history: [] };
      const manifest: ManifestContent = { ...contentOf(Buffer.from(JSON.stringify(old))), mediaType };
      const answer = await client.putManifest('old', manifest);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        errors: [{ code: 'MANIFEST_INVALID', detail: { reason: expect.stringContaining('schema 1') } }],
      });
    });
  });
}
