import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { systemRandom } from '#libs/resilience';
import { MEBIBYTE } from '../sizes.js';
import { buildSampleImage, type SampleBlob } from './sample-image.js';

const parse = (blob: SampleBlob | undefined) => JSON.parse(Buffer.from(blob?.content ?? []).toString());

describe('the sample image', () => {
  const building = buildSampleImage('latest', 1, systemRandom);

  it('has digests and sizes that are those of its bytes', async () => {
    const { blobs, manifests } = await building;
    for (const { digest, size, content } of [...blobs, ...manifests])
      expect([digestOf(content), content.byteLength]).toEqual([digest, size]);
  });

  it('is an index of two platforms, which is what the tag names', async () => {
    const { manifests, digest } = await building;
    const index = manifests.at(-1);
    expect(index).toMatchObject({ reference: 'latest', digest });
    expect(parse(index).manifests.map((child: { digest: string }) => child.digest)).toEqual(
      manifests.slice(0, -1).map((child) => child.digest),
    );
  });

  it('names only blobs that it holds, and the larger ones for both platforms', async () => {
    const { blobs, manifests } = await building;
    const known = new Set<string>(blobs.map(({ digest }) => digest));
    const named = manifests.slice(0, -1).flatMap((each) => [parse(each).config, ...parse(each).layers]);
    expect(named.every(({ digest }) => known.has(digest))).toBe(true);
    expect([named.length, known.size]).toEqual([8, 6]);
  });

  it('says in each config which archives its layers unpack to', async () => {
    const { blobs, manifests } = await building;
    const byDigest = new Map<string, SampleBlob>(blobs.map((blob) => [blob.digest, blob]));
    for (const manifest of manifests.slice(0, -1).map(parse)) {
      const archives = manifest.layers.map((layer: { digest: string }) => {
        const content = byDigest.get(layer.digest)?.content;
        return content === undefined ? undefined : digestOf(gunzipSync(content));
      });
      expect(parse(byDigest.get(manifest.config.digest)).rootfs.diff_ids).toEqual(archives);
    }
  });

  it('is about as large as it was asked to be, for one platform', async () => {
    const { manifests } = await building;
    const { layers } = parse(manifests[0]);
    const bytes = layers.reduce((sum: number, { size }: { size: number }) => sum + size, 0);
    expect(bytes / MEBIBYTE).toBeCloseTo(1, 1);
  });

  it('is another one each time', async () => {
    const again = await buildSampleImage('latest', 1, systemRandom);
    expect(again.digest).not.toBe((await building).digest);
  });
});
