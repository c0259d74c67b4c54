import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf, parseReference } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { APP, openCollectedRegion, testImage } from '../gc/testing/collected-region.js';
import { Pace } from '../scrub/pace.js';
import { attachProof, type Envelope, NotHeld, ProofError, proveHolding, verifyProof } from './index.js';

const { signal } = new AbortController();
const image = testImage('one', 'a layer', 'another layer');
const key = generateKeyPairSync('ed25519').privateKey;
const publicKey = createPublicKey(key);
const other = createPublicKey(generateKeyPairSync('ed25519').privateKey);

describe('what a region signs that it holds', () => {
  let store: MemoryObjectStore;
  let region: Awaited<ReturnType<typeof openCollectedRegion>>;

  beforeEach(async () => {
    const clock = new FakeClock();
    store = new MemoryObjectStore({ clock });
    region = await openCollectedRegion(store, { clock, random: new SeededRandom(1), signal });
    await region.pushImage(image, 'v1');
    prove = (reference = 'v1', rehash = false) =>
      proveHolding(
        {
          ...{ store, content: region.content, clock, key, region: 'east', pace: new Pace(1e12, clock) },
          upTo: async () => ({ seq: region.journal.head.seq, epoch: 1 }),
        },
        { repository: APP, reference: parseReference(reference), rehash },
        signal,
      );
  });

  let prove: (reference?: string, rehash?: boolean) => Promise<Envelope>;

  async function flip(text: string): Promise<void> {
    const data = (await region.content.blobs.stat(digestOf(text), signal))?.data ?? '';
    const bytes = Buffer.from((await store.read(data, signal))?.bytes ?? []);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await store.put(data, bytes, { signal });
  }

  it.each([false, true])(
    'names every manifest and blob, and is checked with the public key alone (rehash %s)',
    async (rehash) => {
      const { subject, predicate } = verifyProof(JSON.parse(JSON.stringify(await prove('v1', rehash))), [
        other,
        publicKey,
      ]);
      expect(subject).toEqual([{ name: APP, digest: { sha256: image.digest.slice('sha256:'.length) } }]);
      expect(predicate).toMatchObject({
        region: 'east',
        repository: APP,
        reference: 'v1',
        sequence: 1,
        epoch: 1,
        rehashed: rehash,
      });
      const texts = predicate.objects.map(({ kind, digest, size }) => [kind, digest, size]);
      expect(texts).toEqual([
        ['manifest', image.digest, image.content.length],
        ...image.texts.map((text) => ['blob', digestOf(text), text.length]),
      ]);
    },
  );

  it('refuses to sign when a byte is flipped, and names the blob', async () => {
    await flip('a layer');
    await expect(prove('v1', true)).rejects.toThrow(
      new NotHeld([], `this region does not hold it whole: ${digestOf('a layer')}`),
    );
    // It is quarantined now, so it is not held without looking either.
    await expect(prove()).rejects.toMatchObject({ digests: [digestOf('a layer')] });
  });

  it('refuses to sign what is missing, what is damaged, and what it never heard of', async () => {
    await expect(prove('v2')).rejects.toMatchObject({ digests: [] });
    await expect(prove(digestOf('none'))).rejects.toMatchObject({ digests: [] });
    await store.delete(keys.blob(digestOf('a layer')), signal);
    await expect(prove()).rejects.toMatchObject({ digests: [digestOf('a layer')] });
    await store.put(keys.manifest(APP, image.digest), Buffer.from('nonsense'), { signal });
    await expect(prove()).rejects.toMatchObject({ digests: [image.digest] });
  });

  it.each<[string, (envelope: Envelope) => unknown]>([
    ['by somebody else', (envelope) => envelope],
    ['of another type', (envelope) => ({ ...envelope, payloadType: 'application/json' })],
    ['and changed', (envelope) => ({ ...envelope, payload: Buffer.from('{}').toString('base64') })],
    ['by nobody', (envelope) => ({ ...envelope, signatures: [] })],
    ['without a signature', (envelope) => ({ ...envelope, signatures: [{ keyid: '' }] })],
    ['not at all', () => undefined],
  ])('proves nothing signed %s', async (what, change) => {
    const envelope = change(await prove());
    expect(() => verifyProof(envelope, what === 'by somebody else' ? [other] : [publicKey])).toThrow(ProofError);
  });

  it('is pushed beside its image, and found by whoever asks what refers to that', async () => {
    const envelope = await prove();
    const { digest, about } = await attachProof(region.content, region.push, envelope, signal);
    expect(about).toBe(image.digest);
    const referrers = await region.content.referrers.list(APP, image.digest, signal);
    expect(referrers).toMatchObject([{ digest, artifactType: 'application/vnd.meridian.region-holds.v1' }]);
    const found = await region.content.manifests.find(APP, digest, signal);
    const [, layer] = found?.blobs ?? [];
    const stored = layer && (await region.content.blobs.stat(layer.digest, signal));
    const bytes = stored && (await store.read(stored.data, signal))?.bytes;
    expect(verifyProof(JSON.parse(Buffer.from(bytes ?? []).toString()), [publicKey]).predicate.region).toBe('east');
  });

  it('is not pushed where there is no such image, nor anything that is no proof', async () => {
    const envelope = await prove();
    await region.push.deleteManifest(APP, { kind: 'digest', digest: image.digest }, signal);
    for (const value of [envelope, {}, null, 'text', { ...envelope, payload: 'e30=' }]) {
      await expect(attachProof(region.content, region.push, value, signal)).rejects.toThrow(ProofError);
    }
  });
});
