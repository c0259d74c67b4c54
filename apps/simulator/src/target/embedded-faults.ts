import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RegionName } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { answersOk } from '../cluster/readiness.js';
import type { DataDirectory } from '../data-directory.js';
import { Problem } from '../problem.js';
import type { EmbeddedCluster } from './embedded-target.js';
import type { Faults } from './faults.js';

const APPS = ['registry', 'replicator'];

/** Through the control of the simulated network, and on the disk. */
export function embeddedFaults(cluster: EmbeddedCluster, data: DataDirectory, clock: Clock): Faults {
  const find = (name: RegionName) => {
    const found = cluster.regions.find((region) => region.name === name);
    if (found === undefined) throw new RangeError(`there is no region ${name}`);
    return found;
  };
  const control = async (method: string, path: string, signal: AbortSignal, body?: object): Promise<void> => {
    const answer = await fetch(new URL(path, cluster.wan), {
      method,
      signal,
      body: body ? JSON.stringify(body) : null,
    });
    if (!answer.ok) throw new Problem(`${method} ${path}: ${(await answer.text()).slice(0, 300)}`);
    await answer.body?.cancel();
  };
  const switchAll = async (
    action: 'halt' | 'resume',
    region: RegionName,
    kinds: readonly string[],
    signal: AbortSignal,
  ) => {
    await Promise.all(kinds.map((kind) => control('POST', `/processes/${region}-${kind}/${action}`, signal)));
  };
  const changeLines = async (region: RegionName, change: object, signal: AbortSignal): Promise<void> => {
    const others = cluster.regions.map(({ name }) => name).filter((name) => name !== region);
    for (const other of others)
      for (const pair of [`${region}/${other}`, `${other}/${region}`])
        await control('PUT', `/links/${pair}`, signal, change);
  };
  return {
    stopRegion: (region, signal) => switchAll('halt', region, [...APPS, 'redis'], signal),
    startRegion: async (region, signal) => {
      await switchAll('resume', region, ['redis'], signal);
      await switchAll('resume', region, APPS, signal);
    },
    flushRedis: (region) => flushRedis(find(region).redis),
    embedded: {
      cutLines: (region, signal) => changeLines(region, { state: 'cut' }, signal),
      slowLines: (region, megabitsPerSecond, signal) => changeLines(region, { megabitsPerSecond }, signal),
      restoreLines: (signal) => control('DELETE', '/links', signal),
      loseBucket: (region) => emptyDirectory(data.bucket(region)),
      isReady: (region, signal) => answersOk(`${find(region).admin}/health/ready`, clock, signal),
      halt: (region, app, signal) => switchAll('halt', region, [app], signal),
      resume: (region, app, signal) => switchAll('resume', region, [app], signal),
    },
  };
}

async function flushRedis(url: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

/** The directory itself stays: it is whoever serves the bucket who notices. Writers may still be at work in it. */
async function emptyDirectory(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    await rm(join(directory, name), { recursive: true, force: true, maxRetries: 5 });
}
