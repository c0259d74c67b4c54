import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { TestProcess } from './process.js';
import { newCredentials, TestS3Server } from './s3-server.js';
import { tool } from './tools.js';

/** Starts a MinIO of its own for a test: on a free port, with keys of its own, on a directory that goes with it. */
export async function startMinio(): Promise<TestS3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-minio-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const { accessKeyId, secretAccessKey } = newCredentials();
  const process = await TestProcess.start({
    name: 'minio',
    command: tool('minio'),
    args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, directory],
    env: {
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_UPDATE: 'off',
      MINIO_BROWSER: 'off',
    },
    isReady: async () => (await fetch(`${endpoint}/minio/health/ready`)).ok,
  });
  return new TestS3Server(endpoint, accessKeyId, secretAccessKey, process, () =>
    rm(directory, { recursive: true, force: true }),
  );
}
