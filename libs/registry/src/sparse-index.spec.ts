import { describe, expect, it } from '@jest/globals';
import type { Entry } from '#libs/journal';
import { digestOf, type Manifest, MEDIA_TYPES, parseManifest, parseRepositoryName, RegistryError } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { applyEntry } from './apply-entry.js';
import { openRegionContent, type RegionContent } from './region-content.js';
import { attemptSparse } from './sparse-index.js';

const never = new AbortController().signal;
const repository = parseRepositoryName('demo/app');
const contents = ['{"m":0}', '{"m":1}'];
const [first, second] = contents.map((content) => digestOf(content)) as [Manifest['digest'], Manifest['digest']];
const absent = digestOf('never pushed');

const index = parseManifest(
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociIndex,
      manifests: [first, second, absent].map((digest) => ({ mediaType: MEDIA_TYPES.ociManifest, digest, size: 7 })),
    }),
  ),
  undefined,
);

/** With two of the three manifests that the index names. */
async function open(): Promise<RegionContent> {
  const store = new MemoryObjectStore({ clock: systemClock });
  const content = openRegionContent({ store, clock: systemClock, random: new SeededRandom(1) });
  const place = { repository, epoch: 1, timeMs: 0, tags: [] };
  for (const [at, text] of contents.entries()) {
    const put = { type: 'manifest.put' as const, digest: digestOf(text), mediaType: MEDIA_TYPES.ociManifest };
    await applyEntry(
      content,
      { ...place, ...put, content: text, blobs: [], children: [], seq: at + 1 } as Entry,
      never,
    );
  }
  return content;
}

const childrenOf = (manifest: Manifest) => manifest.children.map(({ digest }) => digest);
const missing = (digest: string) => new RegistryError('MANIFEST_BLOB_UNKNOWN', [{ digest }]);

describe('a sparse index', () => {
  it('is put with the children that are there, as the bytes that came', async () => {
    const known = await attemptSparse(await open(), repository, index, async (manifest) => manifest, never);
    expect([childrenOf(known), known.content]).toEqual([[first, second], index.content]);
  });

  it('is put with those that are left when one was deleted meanwhile', async () => {
    const content = await open();
    const tried: Manifest[] = [];
    await attemptSparse(
      content,
      repository,
      index,
      async (manifest) => {
        tried.push(manifest);
        if (tried.length > 1) return;
        await content.manifests.delete(3, repository, first, never);
        throw missing(first);
      },
      never,
    );
    expect(tried.map(childrenOf)).toEqual([[first, second], [second]]);
  });

  it('is refused for good when a blob of it is not there', async () => {
    const attempt = () => Promise.reject(missing('sha256:blob'));
    await expect(attemptSparse(await open(), repository, index, attempt, never)).rejects.toMatchObject({
      code: 'MANIFEST_BLOB_UNKNOWN',
    });
  });
});
