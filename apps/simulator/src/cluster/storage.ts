import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Random } from '#libs/resilience';
import type { StorageChoice } from '../arguments.js';
import type { DataDirectory } from '../data-directory.js';
import { Problem } from '../problem.js';
import type { StorageSection } from './config-files.js';
import { findMinio, minioProcess } from './minio-process.js';
import type { RegionPlan } from './plan.js';
import type { ProcessSpec } from './process-spec.js';
import { keepSecret, storeSecret } from './secrets.js';

/** A region's bucket, and the process that has to run for it, if any. */
export interface RegionStorage {
  readonly section: StorageSection;
  readonly process?: ProcessSpec;
}

export interface StorageContext {
  readonly data: DataDirectory;
  readonly random: Random;
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
}

const MINIO_USER = 'meridian';

export async function prepareStorage(
  choice: StorageChoice,
  region: RegionPlan,
  context: StorageContext,
): Promise<RegionStorage> {
  switch (choice.driver) {
    case 'filesystem':
      return { section: { driver: 'filesystem', directory: context.data.bucket(region.name) } };
    case 'minio':
      return ownMinio(region, context);
    case 's3':
      return { section: await foreignStore(choice, region, context) };
  }
}

async function ownMinio(
  region: RegionPlan,
  { data, random, clock, environment }: StorageContext,
): Promise<RegionStorage> {
  const program = await findMinio(environment);
  const secret = await keepSecret(data, `${region.name}-minio`, random);
  const directory = data.store(region.name);
  // MinIO takes each directory of its disk for a bucket.
  await mkdir(join(directory, bucketOf(region)), { recursive: true });
  const process = minioProcess(program, {
    name: `${region.name}-minio`,
    port: region.ports.store,
    directory,
    logFile: data.logFile(`${region.name}-minio`),
    environment,
    clock,
    accessKeyId: MINIO_USER,
    secretAccessKey: secret.text,
  });
  const endpoint = `http://127.0.0.1:${region.ports.store}`;
  const key = { accessKeyId: MINIO_USER, secretAccessKeyFile: secret.file };
  return { section: { driver: 's3', endpoint, bucket: bucketOf(region), region: 'us-east-1', ...key }, process };
}

async function foreignStore(
  choice: StorageChoice & { driver: 's3' },
  region: RegionPlan,
  { data, environment }: StorageContext,
): Promise<StorageSection> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secret } = environment;
  if (!accessKeyId || !secret)
    throw new Problem('--s3-endpoint needs a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const { file } = await storeSecret(data, `${region.name}-s3`, secret);
  const endpoint = choice.endpoints[region.index] ?? choice.endpoints[0] ?? '';
  return {
    driver: 's3',
    endpoint,
    bucket: bucketOf(region),
    region: choice.region,
    accessKeyId,
    secretAccessKeyFile: file,
  };
}

function bucketOf(region: RegionPlan): string {
  return `meridian-${region.name}`;
}
