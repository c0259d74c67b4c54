import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import nodeProcess from 'node:process';
import { AS_THE_IMAGE_HAS_IT } from '../../../support/image-settings.js';
import { freePortBase } from '../../../support/ports.js';
import { ROOT, TestProcess } from '../../../support/process.js';
import { startRedis } from '../../../support/redis.js';
import { type RunningServer, type Storage, writeSettings } from './settings.js';

export interface MeridianOptions {
  readonly directory: string;
  readonly storage: Storage;
  readonly redirect?: 'always' | 'never';
  /** Registries on the same storage, each on a port of its own. */
  readonly processes?: number;
}

const KEY = randomBytes(32).toString('hex');

/** A region that is alone: its registry processes, from dist/, with a Redis of their own. */
export async function startMeridian(options: MeridianOptions): Promise<RunningServer> {
  const redis = await startRedis();
  const running: { origin: string; process: TestProcess }[] = [];
  const stop = async () => {
    for (const { process } of running) await process.stop();
    await redis.stop();
  };
  try {
    const first = await startRegistry(options, redis.url, 1);
    running.push(first);
    for (let number = 2; number <= (options.processes ?? 1); number += 1) {
      running.push(await startRegistry(options, redis.url, number));
    }
    const origins = running.slice(1).map(({ origin }) => origin);
    return { origins: [first.origin, ...origins], pids: running.map(({ process }) => process.pid), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startRegistry(
  { directory, storage, redirect = 'always' }: MeridianOptions,
  redisUrl: string,
  number: number,
) {
  const port = await freePortBase(2);
  const origin = `http://127.0.0.1:${port}`;
  const operator = `http://127.0.0.1:${port + 1}`;
  const site = { name: 'bench', role: 'primary', publicUrl: origin, peerUrl: origin };
  const config = {
    topology: { regions: [site], roundTripMs: { bench: { bench: 0 } }, defaultRegion: 'bench' },
    region: 'bench',
    clusterKeyFile: await writeSettings(directory, 'cluster.key', KEY),
    storage: await storageSection(directory, storage),
    redisUrl,
    anonymousAccess: 'push',
    http: { port, operatorPort: port + 1 },
    log: { level: 'warn' },
    blobs: { redirect, spoolDirectory: join(directory, 'spool') },
  };
  const file = await writeSettings(directory, `meridian-${number}.json`, JSON.stringify(config));
  const process = await TestProcess.start({
    name: 'meridian',
    command: nodeProcess.execPath,
    args: [...profiling(directory, number), join(ROOT, 'dist/apps/registry/src/main.js')],
    env: { MERIDIAN_CONFIG: file, ...AS_THE_IMAGE_HAS_IT },
    isReady: async () => (await fetch(`${operator}/health/ready`)).ok,
  });
  return { origin, process };
}

/** `BENCH_PROFILE=<directory>` leaves a .cpuprofile of each process there, named by its row and contender. */
function profiling(directory: string, number: number): readonly string[] {
  const target = nodeProcess.env.BENCH_PROFILE;
  if (target === undefined) return [];
  const name = [...directory.split('/').slice(-2), number].join('-');
  return ['--cpu-prof', `--cpu-prof-dir=${target}`, `--cpu-prof-name=${name}.cpuprofile`];
}

async function storageSection(directory: string, storage: Storage) {
  if (storage.driver === 'filesystem') return { ...storage, directory: join(storage.directory, 'bucket') };
  const { driver, endpoint, bucket, accessKeyId, secretAccessKey, reader } = storage;
  return {
    driver,
    endpoint,
    bucket,
    accessKeyId,
    secretAccessKeyFile: await writeSettings(directory, 'writer.key', secretAccessKey),
    publicEndpoint: endpoint,
    reader: {
      accessKeyId: reader.accessKeyId,
      secretAccessKeyFile: await writeSettings(directory, 'reader.key', reader.secretAccessKey),
    },
  };
}
