import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect } from '@jest/globals';
import { OciClient, type SampleImage, sampleBlob, sampleImage, sampleIndex, sha256 } from '../../support/oci-client.js';
import { IMAGE, type Place, sessionPath, TEN } from './place.js';
import { type Answer, type Ask, ask } from './wire.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const EMPTY_CONFIG = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: sha256(Buffer.from('{}')),
  size: 2,
  data: 'e30=',
};

/** Something odd that clients do and the spec allows: it has to work as told. */
export interface LegalCase {
  readonly name: string;
  readonly run: (place: Place) => Promise<void>;
}

/** The statuses of these requests, one after the other. */
async function statuses({ origin }: Place, ...asks: readonly Ask[]): Promise<readonly number[]> {
  const all: number[] = [];
  for (const each of asks) all.push((await ask(origin, each)).status);
  return all;
}

const begin = (place: Place, query = ''): Promise<Answer> =>
  ask(place.origin, { method: 'POST', path: `/v2/${place.repository}/blobs/uploads/${query}` });
const idOf = ({ headers }: Answer): string => String(headers['docker-upload-uuid']);

const client = ({ origin }: Place) => new OciClient(origin);

/** Pushes a manifest as it is given, and pulls the very same bytes. */
async function roundTrip(place: Place, reference: string, content: object, contentType = MANIFEST): Promise<Answer> {
  const body = JSON.stringify(content);
  const path = `/v2/${place.repository}/manifests/${reference}`;
  const put = await ask(place.origin, { method: 'PUT', path, headers: { 'content-type': contentType }, body });
  expect([put.status, put.body.toString()]).toEqual([201, '']);
  const got = await ask(place.origin, { path: `/v2/${place.repository}/manifests/${sha256(Buffer.from(body))}` });
  expect([got.status, got.body.toString()]).toEqual([200, body]);
  return put;
}

const image = JSON.parse(Buffer.from(IMAGE.manifest.bytes).toString()) as { config: object; layers: readonly object[] };

export const legalUploads: readonly LegalCase[] = [
  {
    name: 'a chunk without Content-Length and Content-Range, as docker sends it',
    run: async (place) => {
      const id = idOf(await begin(place));
      const body = () => Readable.from([TEN.bytes.subarray(0, 5), TEN.bytes.subarray(5)]);
      const chunk = await ask(place.origin, { method: 'PATCH', path: sessionPath(place, id), body });
      expect([chunk.status, chunk.headers.range]).toEqual([202, '0-9']);
      expect(await statuses(place, { method: 'PUT', path: sessionPath(place, id, `?digest=${TEN.digest}`) })).toEqual([
        201,
      ]);
    },
  },
  {
    name: 'a blob of zero bytes',
    run: async (place) => {
      const digest = sha256(new Uint8Array());
      const path = sessionPath(place, idOf(await begin(place)), `?digest=${digest}`);
      const blob = `/v2/${place.repository}/blobs/${digest}`;
      expect(await statuses(place, { method: 'PUT', path }, { path: blob }, { method: 'HEAD', path: blob })).toEqual([
        201, 200, 200,
      ]);
      expect((await ask(place.origin, { path: blob })).headers['content-length']).toBe('0');
    },
  },
  {
    name: 'a whole blob in one POST',
    run: async (place) => {
      const blob = sampleBlob(randomBytes(10_000));
      const path = `/v2/${place.repository}/blobs/uploads/?digest=${blob.digest}`;
      const answer = await ask(place.origin, { method: 'POST', path, body: blob.bytes });
      expect([201, 202]).toContain(answer.status);
      if (answer.status === 201) expect(await client(place).pullBlob(place.repository, blob.digest)).toBe(10_000);
    },
  },
  {
    name: 'the last bytes together with the end',
    run: async (place) => {
      const blob = sampleBlob(randomBytes(10_000));
      const id = idOf(await begin(place));
      const [head, tail] = [blob.bytes.subarray(0, 6_000), blob.bytes.subarray(6_000)];
      const headers = { 'content-range': '6000-9999' };
      expect(
        await statuses(
          place,
          { method: 'PATCH', path: sessionPath(place, id), body: head },
          { method: 'GET', path: sessionPath(place, id) },
          { method: 'PUT', path: sessionPath(place, id, `?digest=${blob.digest}`), body: tail, headers },
        ),
      ).toEqual([202, 204, 201]);
      expect(await client(place).pullBlob(place.repository, blob.digest)).toBe(10_000);
    },
  },
  {
    name: 'an upload that is cancelled twice',
    run: async (place) => {
      const cancel = { method: 'DELETE', path: sessionPath(place, idOf(await begin(place))) };
      expect(await statuses(place, cancel, cancel)).toEqual([204, 404]);
    },
  },
  {
    name: 'another try after a wrong digest',
    run: async (place) => {
      const id = idOf(await begin(place));
      const end = (digest: string) => ({
        method: 'PUT',
        path: sessionPath(place, id, `?digest=${digest}`),
        body: TEN.bytes,
      });
      const [wrong, right] = await statuses(place, end(sha256(Buffer.from('x'))), end(TEN.digest));
      expect(wrong).toBe(400);
      expect([201, 404]).toContain(right);
    },
  },
  {
    name: 'a mount from a repository that has the blob',
    run: async (place) => {
      const query = `?mount=${TEN.digest}&from=bad/primary`;
      const path = `/v2/bad/mounted-${place.name}/blobs/uploads/${query}`;
      const mounted = await ask(place.origin, { method: 'POST', path });
      expect([mounted.status, mounted.headers['docker-content-digest']]).toEqual([201, TEN.digest]);
      expect(await client(place).pullBlob(`bad/mounted-${place.name}`, TEN.digest)).toBe(10);
    },
  },
  {
    name: 'a mount without from, which goes on as an upload',
    run: async (place) => {
      const begun = await begin(place, `?mount=${TEN.digest}`);
      expect(begun.status).toBe(202);
      const path = sessionPath(place, idOf(begun), `?digest=${TEN.digest}`);
      expect(await statuses(place, { method: 'PUT', path, body: TEN.bytes })).toEqual([201]);
    },
  },
];

export const legalManifests: readonly LegalCase[] = [
  {
    name: 'an image that is pushed again, whole',
    run: async (place) => {
      for (const _ of [1, 2]) await client(place).pushImage(place.repository, IMAGE, 'v1');
      expect(await client(place).pullWhole(place.repository, 'v1')).toBe(IMAGE.manifest.digest);
    },
  },
  {
    name: 'one layer twice, and no layer at all',
    run: async (place) => {
      await roundTrip(place, 'twice', { ...image, layers: [...image.layers, ...image.layers] });
      await roundTrip(place, 'none', { ...image, layers: [] });
    },
  },
  {
    name: 'an artifact of an unknown type with the empty config and data in its descriptor',
    run: async (place) => {
      await client(place).pushBlob(place.repository, sampleBlob(Buffer.from('{}')));
      const artifact = { ...image, artifactType: 'application/x.never-heard-of', config: EMPTY_CONFIG };
      await roundTrip(place, 'artifact', artifact);
    },
  },
  {
    name: 'a signature that comes before what it signs',
    run: async (place) => {
      const signed = sampleImage(`signed at ${place.name}`, [TEN.bytes]);
      const { mediaType, digest, size } = signed.manifest;
      const put = await roundTrip(place, 'early', { ...image, subject: { mediaType, digest, size } });
      expect(put.headers['oci-subject']).toBe(digest);
      await client(place).pushImage(place.repository, signed, 'signed');
      const referrers = await ask(place.origin, { path: `/v2/${place.repository}/referrers/${digest}` });
      if (place.name !== 'replica') expect(JSON.parse(referrers.body.toString()).manifests).toHaveLength(1);
    },
  },
  {
    name: 'a Content-Type with parameters',
    run: async (place) => {
      await roundTrip(place, 'parameters', { ...image, annotations: { a: place.name } }, `${MANIFEST}; charset=utf-8`);
    },
  },
  {
    name: 'a tag of 128 characters, and one with everything that a tag may hold',
    run: async (place) => {
      for (const tag of ['x'.repeat(128), '_A-b.C_9']) {
        await client(place).pushImage(place.repository, IMAGE, tag);
        expect(await client(place).pullWhole(place.repository, tag)).toBe(IMAGE.manifest.digest);
      }
    },
  },
  {
    name: 'the media types of Docker, for images and for lists',
    run: async (place) => {
      const docker = 'application/vnd.docker.distribution.manifest';
      const content = { ...image, mediaType: `${docker}.v2+json` };
      await roundTrip(place, 'docker', content, `${docker}.v2+json`);
      const bytes = Buffer.from(JSON.stringify(content));
      const child = { mediaType: `${docker}.v2+json`, digest: sha256(bytes), size: bytes.length };
      const list = { schemaVersion: 2, mediaType: `${docker}.list.v2+json`, manifests: [child] };
      await roundTrip(place, 'list', list, `${docker}.list.v2+json`);
    },
  },
  {
    name: 'a layer that lives elsewhere, which nobody waits for',
    run: async (place) => {
      const foreign = {
        mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
        digest: sha256(Buffer.from('elsewhere')),
        size: 9,
        urls: ['http://169.254.169.254/'],
      };
      await roundTrip(place, 'foreign', { ...image, layers: [...image.layers, foreign] });
    },
  },
  {
    name: 'five clients that push one image at once',
    run: async (place) => {
      const [own] = imagesOf(`five at ${place.name}`, 1);
      const clients = Array.from({ length: 5 }, () => client(place));
      await Promise.all(clients.map((each) => each.pushImage(place.repository, own, 'five')));
      expect(await client(place).pullWhole(place.repository, own.manifest.digest)).toBe(own.manifest.digest);
    },
  },
  {
    name: 'an index whose images were pushed by digest alone',
    run: async (place) => {
      const images = imagesOf(`index at ${place.name}`, 2);
      for (const each of images) await client(place).pushImage(place.repository, each);
      const index = sampleIndex(images);
      expect((await client(place).pushManifest(place.repository, 'index', index)).status).toBe(201);
      expect(await client(place).pullWhole(place.repository, index.digest)).toBe(index.digest);
    },
  },
];

function imagesOf(name: string, count: number): readonly [SampleImage, ...SampleImage[]] {
  const make = (at: number) => sampleImage(`${name} ${at}`, [randomBytes(20_000)]);
  return [make(0), ...Array.from({ length: count - 1 }, (_, at) => make(at + 1))];
}

/** Names that contain words of the API's own paths, and what clients do with a repository. */
const NAMES = [
  'a/manifests/b',
  'a/blobs/uploads',
  'a/tags/list',
  'uploads',
  'v2',
  'a/referrers/b',
  `${'a'.repeat(127)}/${'b'.repeat(127)}`,
];

export const legalNames: readonly LegalCase[] = NAMES.map((name) => ({
  name: `a repository called ${name.slice(0, 40)}`,
  run: async (place) => {
    const repository = `${name}${place.name === 'primary' ? '' : place.name.slice(-1)}`.slice(-255);
    await client(place).pushImage(repository, IMAGE, 'v1');
    expect(await client(place).pullWhole(repository, 'v1')).toBe(IMAGE.manifest.digest);
    const path = `/v2/${repository}/manifests/v1`;
    expect(await statuses(place, { method: 'HEAD', path }, { method: 'DELETE', path })).toEqual([200, 202]);
  },
}));
