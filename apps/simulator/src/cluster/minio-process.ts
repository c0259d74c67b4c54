import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '#libs/resilience';
import { Problem } from '../problem.js';
import { findProgram, searchPath } from '../programs.js';
import type { ProcessSpec } from './process-spec.js';
import { answersOk } from './readiness.js';

const STOP_MS = 10_000;

/** @throws Problem where there is none */
export async function findMinio(environment: NodeJS.ProcessEnv): Promise<string> {
  const ours = join(homedir(), '.cache', 'meridian', 'bin');
  const path = await findProgram(['minio'], [...searchPath(environment), ours]);
  if (path !== undefined) return path;
  throw new Problem(
    'no minio program was found: run `npm run tools`, or name S3 stores of your own with --s3-endpoint URL',
  );
}

export interface MinioPlace {
  readonly name: string;
  readonly port: number;
  /** Its disk. A directory in it is a bucket. */
  readonly directory: string;
  readonly logFile: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function minioProcess(command: string, place: MinioPlace): ProcessSpec {
  return {
    name: place.name,
    command,
    args: ['server', '--address', `127.0.0.1:${place.port}`, '--console-address', '127.0.0.1:0', place.directory],
    environment: {
      ...place.environment,
      MINIO_ROOT_USER: place.accessKeyId,
      MINIO_ROOT_PASSWORD: place.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
    directory: place.directory,
    logFile: place.logFile,
    isReady: (signal) => answersOk(`http://127.0.0.1:${place.port}/minio/health/ready`, place.clock, signal),
    stopMs: STOP_MS,
  };
}
