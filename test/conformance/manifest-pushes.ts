import { describe, expect, it } from '@jest/globals';
import type { Place } from './places.js';
import { descriptorOf, EMPTY, indexOf, push, sample, TYPES } from './samples.js';
import { type Algorithm, contentOf, locationOf, type ManifestContent, manifestOf, SpecClient } from './spec-client.js';

const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** The specification asks for at least ten in one request. */
const TAGS = Array.from({ length: 12 }, (_, index) => `tag-${index}`);

/** What may be pushed as a manifest, and how: what the specification's main branch says beyond 1.1. */
export function describeManifestPushes(place: Place): void {
  const client = new SpecClient(place.url, `${place.namespace}/manifests`);
  const isServed = async (reference: string, { bytes, digest, mediaType }: ManifestContent) => {
    const response = await client.send('GET', `manifests/${reference}`, undefined, { accept: mediaType });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, mediaType]);
    const got = Buffer.from(await response.arrayBuffer());
    expect(got.equals(bytes)).toBe(true);
    const head = await client.send('HEAD', `manifests/${reference}`, undefined, { accept: mediaType });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    if (reference === digest) expect(head.headers.get('docker-content-digest')).toBe(digest);
  };

  describe.each<Algorithm>(['sha256', 'sha512'])('an index by its %s digest', (algorithm) => {
    it('is pushed with several tags at once, which is one change', async () => {
      const image = sample({ algorithm });
      await push(client, image);
      const index = indexOf([image.manifest], { algorithm });
      const before = seqOf(await client.pushManifest(index.digest, index));
      const tags = TAGS.map((tag) => `${algorithm}-${tag}`);
      const pushed = await client.pushManifest(`${index.digest}?${tags.map((tag) => `tag=${tag}`).join('&')}`, index);
      expect(pushed.headers.get('docker-content-digest')).toBe(index.digest);
      expect(pushed.headers.get('oci-tag')?.split(', ')).toEqual(tags);
      expect(seqOf(pushed)).toBe(before + 1);
      expect(locationOf(pushed).pathname).toBe(`/v2/${client.repository}/manifests/${index.digest}`);
      for (const tag of tags) {
        const head = await client.send('HEAD', `manifests/${tag}`);
        expect([head.status, head.headers.get('docker-content-digest')]).toEqual([200, index.digest]);
      }
      await isServed(index.digest, index);
    });

    it('is refused with all of its tags when one of them is none', async () => {
      const image = sample({ algorithm });
      await push(client, image);
      const reference = `${image.manifest.digest}?tag=${algorithm}-good&tag=.bad`;
      expect((await client.putManifest(reference, image.manifest)).status).toBe(400);
      expect((await client.send('HEAD', `manifests/${algorithm}-good`)).status).toBe(404);
    });

    it('is refused under the digest of other bytes', async () => {
      const { manifest } = sample({ algorithm });
      const longer = { ...manifest, bytes: Buffer.concat([manifest.bytes, Buffer.from('  ')]) };
      expect((await client.putManifest(manifest.digest, longer)).status).toBe(400);
    });
  });

  it('takes an index of indexes', async () => {
    const images = [sample(), sample()];
    for (const image of images) await push(client, image);
    const inner = images.map(({ manifest }) => indexOf([manifest]));
    for (const index of inner) await client.pushManifest(index.digest, index);
    const outer = indexOf(inner);
    await client.pushManifest('nested', outer);
    await isServed('nested', outer);
  });

  it.each<[string, () => { blobs: readonly { bytes: Buffer; digest: string }[]; manifest: ManifestContent }]>([
    ['an index of nothing', () => ({ blobs: [], manifest: indexOf([]) })],
    ['an image without layers', () => sample({ layers: [] })],
    ['fields that nobody knows', () => sample({ more: { 'org.example.custom': { deep: [1, null, 'x'] } } })],
    ['embedded data', () => sample({ layers: [{ mediaType: TYPES.layer, bytes: EMPTY, more: { data: 'e30=' } }] })],
    ['exactly 4 MiB', () => ofSize(MAX_MANIFEST_BYTES)],
  ])('takes %s', async (_name, make) => {
    const made = make();
    await push(client, made);
    await isServed(made.manifest.digest, made.manifest);
  });

  it('refuses a byte more than 4 MiB', async () => {
    const { blobs, manifest } = ofSize(MAX_MANIFEST_BYTES + 1);
    for (const blob of blobs) await client.pushBlob(blob);
    expect((await client.putManifest(manifest.digest, manifest)).status).toBe(413);
  });

  it(`${place.sparseIndexes === 'accept' ? 'takes' : 'refuses'} an index of which not all is there`, async () => {
    const image = sample();
    await push(client, image);
    const sparse = indexOf([image.manifest, sample().manifest]);
    const answer = await client.putManifest('sparse', sparse);
    expect(answer.status).toBe(place.sparseIndexes === 'accept' ? 201 : 404);
    if (answer.status === 201) await isServed('sparse', sparse);
  });

  describe('a subject', () => {
    const attach = (subject: ManifestContent, artifactType: string) => {
      const more = { artifactType, subject: descriptorOf(subject.mediaType, subject) };
      return sample({ config: { mediaType: TYPES.empty, bytes: EMPTY }, more });
    };
    const referrers = async (digest: string, query = '') => {
      const response = await client.send('GET', `referrers/${digest}${query}`);
      const index = (await response.json()) as { manifests: { digest: string; artifactType?: string }[] };
      return { response, digests: index.manifests.map((each) => each.digest), index };
    };

    it.each<[string, () => ManifestContent]>([
      ['an image', () => sample().manifest],
      ['an index', () => indexOf([])],
      ['what was never pushed', () => manifestOf({ mediaType: TYPES.manifest })],
    ])('may be %s', async (_name, make) => {
      const subject = make();
      const [bill, signature] = [attach(subject, 'application/spdx+json'), attach(subject, 'application/x.signature')];
      for (const { blobs, manifest } of [bill, signature]) {
        const pushed = await push(client, { blobs, manifest });
        expect(pushed.headers.get('oci-subject')).toBe(subject.digest);
      }
      const index = indexOf([], {
        more: { artifactType: 'application/x.list', subject: descriptorOf(TYPES.index, subject) },
      });
      await client.pushManifest(index.digest, index);
      const all = await referrers(subject.digest);
      expect(all.response.headers.get('content-type')).toBe(TYPES.index);
      expect(all.digests.sort()).toEqual(
        [bill, signature]
          .map((each) => each.manifest.digest)
          .concat(index.digest)
          .sort(),
      );
      const bills = await referrers(subject.digest, '?artifactType=application/spdx%2Bjson');
      expect([bills.digests, bills.response.headers.get('oci-filters-applied')]).toEqual([
        [bill.manifest.digest],
        'artifactType',
      ]);
      expect((await client.send('DELETE', `manifests/${bill.manifest.digest}`)).status).toBe(202);
      expect((await referrers(subject.digest)).digests).not.toContain(bill.manifest.digest);
    });

    it('may be found by the tag that clients keep for registries without that list', async () => {
      const image = sample();
      await push(client, image);
      const bill = attach(image.manifest, 'application/spdx+json');
      await push(client, bill);
      const tag = image.manifest.digest.replace(':', '-');
      const fallback = indexOf([bill.manifest]);
      await client.pushManifest(tag, fallback);
      await isServed(tag, fallback);
      expect((await referrers(image.manifest.digest)).digests).toEqual([bill.manifest.digest]);
    });
  });

  it('says that nothing changed to those who have it', async () => {
    const image = sample();
    await push(client, image);
    const etag = (await client.send('HEAD', `manifests/${image.manifest.digest}`)).headers.get('etag') ?? '';
    for (const method of ['GET', 'HEAD']) {
      const known = await client.send(method, `manifests/${image.manifest.digest}`, undefined, {
        'if-none-match': etag,
      });
      expect([known.status, known.headers.get('docker-content-digest')]).toEqual([304, image.manifest.digest]);
    }
    const other = { 'if-none-match': `"${contentOf(EMPTY).digest}"` };
    expect((await client.send('GET', `manifests/${image.manifest.digest}`, undefined, other)).status).toBe(200);
  });

  it('forgets a tag, and then the manifest with its other tags', async () => {
    const image = sample();
    await push(client, image);
    const { digest } = image.manifest;
    await client.pushManifest(`${digest}?tag=gone&tag=left`, image.manifest);
    const status = async (method: string, reference: string) =>
      (await client.send(method, `manifests/${reference}`)).status;
    expect(await status('DELETE', 'gone')).toBe(202);
    expect([await status('GET', 'gone'), await status('GET', 'left'), await status('GET', digest)]).toEqual([
      404, 200, 200,
    ]);
    expect(await status('DELETE', 'gone')).toBe(404);
    expect(await status('DELETE', digest)).toBe(202);
    expect([await status('GET', 'left'), await status('GET', digest), await status('DELETE', digest)]).toEqual([
      404, 404, 404,
    ]);
    const { tags } = (await (await client.send('GET', 'tags/list')).json()) as { tags: string[] };
    expect(tags).not.toContain('left');
    expect(tags).not.toContain('gone');
  });
}

/** An image whose manifest has so many bytes. */
function ofSize(bytes: number) {
  const parts = (text: string) => ({
    config: { mediaType: TYPES.empty, bytes: EMPTY },
    layers: [],
    more: { annotations: { text } },
  });
  return sample(parts('x'.repeat(bytes - sample(parts('')).manifest.bytes.length)));
}

const seqOf = (response: Response) => Number(response.headers.get('meridian-sequence'));
