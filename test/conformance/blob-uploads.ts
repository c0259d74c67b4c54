import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Place } from './places.js';
import { type Algorithm, type Content, contentOf, locationOf, SpecClient, sendTo, withDigest } from './spec-client.js';

const STREAM = { 'content-type': 'application/octet-stream' };

/** Every way to bring a blob, under digests of both kinds. */
export function describeBlobUploads(place: Place): void {
  describe.each<Algorithm>(['sha256', 'sha512'])('a blob under its %s digest', (algorithm) => {
    const client = new SpecClient(place.url, `${place.namespace}/blobs-${algorithm}`);
    const fresh = (size = 512) => contentOf(randomBytes(size), algorithm);
    const isStored = async ({ bytes, digest }: Content) => {
      const response = await client.send('GET', `blobs/${digest}`);
      expect([response.status, response.headers.get('docker-content-digest')]).toEqual([200, digest]);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    };

    it('comes with one POST', async () => {
      const blob = fresh();
      await client.pushBlob(blob);
      await isStored(blob);
    });

    it('comes with POST and PUT', async () => {
      const blob = fresh();
      const { location } = await client.begin();
      const done = await sendTo(withDigest(location, blob.digest), 'PUT', blob.bytes, STREAM);
      expect(done.status).toBe(201);
      expect(new URL(locationOf(done)).pathname).toBe(`/v2/${client.repository}/blobs/${blob.digest}`);
      await isStored(blob);
    });

    it('comes as one stream', async () => {
      const blob = fresh();
      const { location } = await client.begin();
      const patched = await sendTo(location, 'PATCH', blob.bytes, STREAM);
      expect([patched.status, patched.headers.get('range')]).toEqual([202, '0-511']);
      expect((await sendTo(withDigest(locationOf(patched), blob.digest), 'PUT')).status).toBe(201);
      await isStored(blob);
    });

    it.each(['a PUT of nothing', 'a PUT of the last chunk'])(
      'comes in chunks of the length asked for, and %s',
      async (end) => {
        const begun = await client.begin();
        const length = begun.minChunkBytes;
        expect(length).toBeGreaterThan(0);
        const blob = fresh(length * 2 + 5);
        let { location } = begun;
        const inPatches = end === 'a PUT of nothing' ? blob.bytes.length : length * 2;
        for (let start = 0; start < inPatches; start += length) {
          const chunk = blob.bytes.subarray(start, start + length);
          const patched = await sendTo(location, 'PATCH', chunk, rangeOf(start, chunk));
          expect([patched.status, patched.headers.get('range')]).toEqual([202, `0-${start + chunk.length - 1}`]);
          location = locationOf(patched);
        }
        const rest = blob.bytes.subarray(inPatches);
        const done = await sendTo(
          withDigest(location, blob.digest),
          'PUT',
          rest,
          rest.length === 0 ? STREAM : rangeOf(inPatches, rest),
        );
        expect(done.status).toBe(201);
        await isStored(blob);
      },
    );

    it('is refused out of order, told where it stands, and goes on from there', async () => {
      const blob = fresh(300);
      const chunk = (start: number) => blob.bytes.subarray(start, start + 100);
      const put = (location: URL, method: string, start: number) =>
        sendTo(location, method, chunk(start), rangeOf(start, chunk(start)));
      const { location } = await client.begin();
      expect((await put(location, 'PATCH', 100)).status).toBe(416);
      const first = await put(location, 'PATCH', 0);
      const ahead = await put(withDigest(locationOf(first), blob.digest), 'PUT', 200);
      expect([ahead.status, ahead.headers.get('range')]).toEqual([416, '0-99']);
      const status = await sendTo(locationOf(first), 'GET');
      expect([status.status, status.headers.get('range')]).toEqual([204, '0-99']);
      const second = await put(locationOf(status), 'PATCH', 100);
      const last = await put(withDigest(locationOf(second), blob.digest), 'PUT', 200);
      expect(last.status).toBe(201);
      await isStored(blob);
    });

    it('is gone when it is cancelled', async () => {
      const blob = fresh();
      const { location } = await client.begin();
      const patched = await sendTo(location, 'PATCH', blob.bytes, STREAM);
      const session = locationOf(patched);
      expect((await sendTo(session, 'DELETE')).status).toBe(204);
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        expect((await sendTo(session, method, method === 'PATCH' ? blob.bytes : undefined)).status).toBe(404);
      }
      expect((await client.send('HEAD', `blobs/${blob.digest}`)).status).toBe(404);
    });

    it('is mounted from where it is, and uploaded when it cannot be', async () => {
      const blob = fresh();
      await client.pushBlob(blob);
      const other = new SpecClient(place.url, `${client.repository}/other`);
      const mount = (digest: string, from: string) => other.send('POST', `blobs/uploads/?mount=${digest}${from}`);
      expect((await mount(blob.digest, '')).status).toBe(202);
      expect((await mount(fresh().digest, `&from=${client.repository}`)).status).toBe(202);
      const mounted = await mount(blob.digest, `&from=${client.repository}`);
      expect(mounted.status).toBe(201);
      expect(await (await sendTo(locationOf(mounted), 'GET')).arrayBuffer()).toHaveProperty('byteLength', 512);
    });

    it('with other bytes is refused', async () => {
      const { digest } = fresh();
      expect((await client.send('POST', `blobs/uploads/?digest=${digest}`, randomBytes(8))).status).toBe(400);
      expect((await client.send('HEAD', `blobs/${digest}`)).status).toBe(404);
    });

    it('is read in part', async () => {
      const blob = fresh();
      await client.pushBlob(blob);
      const part = await client.send('GET', `blobs/${blob.digest}`, undefined, { range: 'bytes=10-19' });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 10-19/512']);
      expect(Buffer.from(await part.arrayBuffer()).equals(blob.bytes.subarray(10, 20))).toBe(true);
      const beyond = await client.send('GET', `blobs/${blob.digest}`, undefined, { range: 'bytes=512-' });
      expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */512']);
    });

    it('is deleted once', async () => {
      const blob = fresh();
      await client.pushBlob(blob);
      expect((await client.send('DELETE', `blobs/${blob.digest}`)).status).toBe(202);
      expect((await client.send('GET', `blobs/${blob.digest}`)).status).toBe(404);
      expect((await client.send('DELETE', `blobs/${blob.digest}`)).status).toBe(404);
    });
  });
}

const rangeOf = (start: number, chunk: Buffer) => ({
  ...STREAM,
  'content-range': `${start}-${start + chunk.length - 1}`,
});
