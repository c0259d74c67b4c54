import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemRandom } from '#libs/resilience';
import { probeConditionalWrites } from '#libs/storage';
import { describeObjectStore } from '#libs/storage/testing';
import { startMinio } from '../support/minio.js';
import type { TestS3Server } from '../support/s3-server.js';
import { startVersitygw } from '../support/versitygw.js';

const SERVERS: readonly (readonly [string, () => Promise<TestS3Server>])[] = [
  ['MinIO', startMinio],
  ['versitygw', startVersitygw],
];

for (const [name, start] of SERVERS) {
  describe(name, () => {
    let server: TestS3Server;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.stop());

    it('honours conditional writes', async () => {
      const store = server.store(await server.newBucket());
      await probeConditionalWrites(store, systemRandom, new AbortController().signal);
      await store.close();
    });

    it('serves what was presigned, and nothing else', async () => {
      const { signal } = new AbortController();
      const store = server.store(await server.newBucket(), { publicEndpoint: server.endpoint, reader: server });
      await store.put('data/x', Buffer.from('hello'), { signal });
      await store.put('data/y', Buffer.from('secret'), { signal });
      const request = { key: 'data/x', expiresInMs: 60_000, contentType: 'application/vnd.oci.image.layer.v1.tar' };
      const url = store.presign?.(request);
      const answer = await fetch(url ?? '');
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, request.contentType]);
      expect(await answer.text()).toBe('hello');
      const ranged = await fetch(url ?? '', { headers: { range: 'bytes=1-2' } });
      expect([ranged.status, await ranged.text()]).toEqual([206, 'el']);
      expect((await fetch(String(url).replace('data/x', 'data/y'))).status).toBe(403);
      await store.close();
    });

    describeObjectStore(`S3ObjectStore on ${name}`, async () => {
      const bucket = await server.newBucket();
      const [store, another] = [server.store(bucket), server.store(bucket)];
      return {
        store,
        another,
        close: async () => {
          await store.close();
          await another.close();
        },
      };
    });
  });
}
