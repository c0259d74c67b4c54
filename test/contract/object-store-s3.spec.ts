import { afterAll, beforeAll, describe } from '@jest/globals';
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
