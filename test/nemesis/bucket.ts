import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore, type ObjectStore, S3ObjectStore } from '#libs/storage';
import { findMinio, minioProcess } from '../../apps/simulator/src/cluster/minio-process.js';
import type { ProcessSpec } from '../../apps/simulator/src/cluster/process-spec.js';
import { newCredentials } from '../support/s3-server.js';
import { type RegionPorts, urlOf } from './places.js';

export type StorageKind = 'minio' | 'fs';

/** A region's bucket: what its processes are told of it, the process it needs, and a way past the proxy for the checkers. */
export interface Bucket {
  readonly section: object;
  readonly process?: ProcessSpec;
  /** Opens it as it really is. */
  readonly open: () => Promise<ObjectStore>;
}

export interface BucketPlace {
  readonly region: string;
  readonly ports: RegionPorts;
  readonly directory: string;
  /** Whether its processes reach it through the proxy that can make answers wrong. */
  readonly behindProxy: boolean;
  readonly logFile: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly writeSecret: (name: string, text: string) => Promise<string>;
}

const BUCKET = 'meridian';

export async function makeBucket(kind: StorageKind, place: BucketPlace): Promise<Bucket> {
  const { region, ports, directory, behindProxy, logFile, environment } = place;
  if (kind === 'fs') {
    await mkdir(directory, { recursive: true });
    return {
      section: { driver: 'filesystem', directory },
      open: () => Promise.resolve(new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom })),
    };
  }
  // MinIO takes each directory of its disk for a bucket.
  await mkdir(join(directory, BUCKET), { recursive: true });
  const key = newCredentials();
  const secretAccessKeyFile = await place.writeSecret(`${region}-minio`, key.secretAccessKey);
  const common = { bucket: BUCKET, region: 'us-east-1', accessKeyId: key.accessKeyId };
  return {
    section: {
      driver: 's3',
      endpoint: urlOf(behindProxy ? ports.storeProxy : ports.store),
      ...common,
      secretAccessKeyFile,
    },
    process: minioProcess(await findMinio(environment), {
      name: `${region}-minio`,
      port: ports.store,
      directory,
      logFile,
      environment,
      clock: systemClock,
      ...key,
    }),
    open: () =>
      Promise.resolve(
        new S3ObjectStore({
          endpoint: urlOf(ports.store),
          ...common,
          ...key,
          clock: systemClock,
          random: systemRandom,
        }),
      ),
  };
}
