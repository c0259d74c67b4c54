import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import { startTestRegion } from '#libs/http/testing';
import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore } from '#libs/storage';
import { Cluster } from '../support/cluster.js';
import { startMinio } from '../support/minio.js';
import type { TestS3Server } from '../support/s3-server.js';
import { startVersitygw } from '../support/versitygw.js';
import { checkModel, type ModelRuns } from './check-model.js';
import { ModelClient } from './client.js';

/** What `npm run model` asks for; without it, the share of `npm test`. */
const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_REPLAY } = process.env;
const SEED = Number(MODEL_SEED ?? 1);

const asked = (share: number): ModelRuns => {
  return { runs: Number(MODEL_RUNS ?? share), seed: SEED, path: MODEL_PATH, replayPath: MODEL_REPLAY };
};

/** Long runs are asked for; the layer's limit is for the share. */
const LIMIT_MS = MODEL_RUNS === undefined ? 120_000 : 24 * 3_600_000;

type Target = (check: (client: ModelClient) => Promise<void>) => Promise<void>;

const onMemory: Target = async (check) => {
  const region = await startTestRegion();
  await check(new ModelClient(region.origin)).finally(() => region.close());
};

const onFilesystem: Target = async (check) => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-model-'));
  const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
  const region = await startTestRegion({ store });
  await check(new ModelClient(region.origin)).finally(() => region.close());
  await rm(directory, { recursive: true, force: true });
};

const onS3 =
  (start: () => Promise<TestS3Server>): Target =>
  async (check) => {
    const server = await start();
    const store = server.store(await server.newBucket());
    const region = await startTestRegion({ store });
    await check(new ModelClient(region.origin)).finally(async () => {
      await region.close();
      await store.close();
      await server.stop();
    });
  };

/** A client near a replica: its reads go there as soon as the replica has what it may see. */
const throughRouter: Target = async (check) => {
  const cluster = await Cluster.start();
  const near = cluster.replicas[0]?.name ?? '';
  await check(new ModelClient(cluster.router, { 'x-meridian-region': near })).finally(() => cluster.stop());
};

describe('every answer is the model’s', () => {
  it.each<[string, number, Target]>([
    ['in memory', 20, onMemory],
    ['on the filesystem', 8, onFilesystem],
    ['on MinIO', 4, onS3(startMinio)],
    ['on versitygw', 4, onS3(startVersitygw)],
    ['through the router, near a replica', 4, throughRouter],
  ])(
    '%s',
    async (_name, share, target) => {
      await target((client) => checkModel(client, asked(share)));
    },
    LIMIT_MS,
  );
});
