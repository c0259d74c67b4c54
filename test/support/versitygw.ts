import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { TestProcess } from './process.js';
import { newCredentials, TestS3Server } from './s3-server.js';
import { tool } from './tools.js';

/** Starts a Versity gateway of its own for a test: S3 over plain files, made by other people than MinIO. */
export async function startVersitygw(): Promise<TestS3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-versitygw-'));
  await mkdir(join(directory, 'objects'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const { accessKeyId, secretAccessKey } = newCredentials();
  const process = await TestProcess.start({
    name: 'versitygw',
    command: tool('versitygw'),
    args: ['--port', `127.0.0.1:${port}`, '--health', '/health', 'posix', join(directory, 'objects')],
    env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    isReady: async () => (await fetch(`${endpoint}/health`)).ok,
  });
  return new TestS3Server(endpoint, accessKeyId, secretAccessKey, process, () =>
    rm(directory, { recursive: true, force: true }),
  );
}
