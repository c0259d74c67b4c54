import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortBase } from './ports.js';
import { startNode, type TestProcess } from './process.js';
import type { TestS3Server } from './s3-server.js';

/** A registry of one region, with a bucket of its own and no Redis. */
export interface SingleRegion {
  /** URL for clients. */
  readonly registry: string;
  /** URL for operators. */
  readonly admin: string;
  /** Where its objects are if they are not on S3. */
  readonly bucketDirectory: string;
  readonly process: TestProcess;
  /** Ends the process and starts it again on the same bucket. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface SingleRegionOptions {
  /** Without it objects are in a directory. */
  readonly s3?: TestS3Server;
  /** Further settings of the configuration file. */
  readonly settings?: object;
}

/** Starts the smallest registry there is: one process on one bucket. */
export async function startSingleRegion({ s3, settings = {} }: SingleRegionOptions = {}): Promise<SingleRegion> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-single-'));
  const port = await freePortBase(2);
  const registry = `http://127.0.0.1:${port}`;
  const file = async (name: string, content: string) => {
    await writeFile(join(directory, name), content, { mode: 0o600 });
    return join(directory, name);
  };
  const bucketDirectory = join(directory, 'bucket');
  const s3Storage = async (server: TestS3Server) => ({
    driver: 's3',
    endpoint: server.endpoint,
    bucket: await server.newBucket(),
    accessKeyId: server.accessKeyId,
    secretAccessKeyFile: await file('secret-key', server.secretAccessKey),
  });
  const config = {
    topology: {
      regions: [{ name: 'only', role: 'primary', publicUrl: registry, peerUrl: registry }],
      roundTripMs: {},
      defaultRegion: 'only',
    },
    region: 'only',
    clusterKeyFile: await file('cluster-key', randomBytes(32).toString('hex')),
    storage: s3 === undefined ? { driver: 'filesystem', directory: bucketDirectory } : await s3Storage(s3),
    blobs: { spoolDirectory: join(directory, 'spool') },
    anonymousAccess: 'push',
    http: { port, operatorPort: port + 1 },
    log: { level: 'warn' },
    ...settings,
  };
  const spec = {
    name: 'registry',
    script: 'apps/registry/src/main.js',
    env: { MERIDIAN_CONFIG: await file('meridian.json', JSON.stringify(config)) },
    isReady: async () => (await fetch(`http://127.0.0.1:${port + 1}/health/ready`)).ok,
  };
  let process = await startNode(spec);
  return {
    registry,
    admin: `http://127.0.0.1:${port + 1}`,
    bucketDirectory,
    get process() {
      return process;
    },
    restart: async () => {
      await process.stop();
      process = await startNode(spec);
    },
    stop: async () => {
      await process.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
