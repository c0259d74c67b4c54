import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseRegionName, type RegionName } from '#libs/geo';
import { messageOf, Problem } from '../problem.js';
import type { Faults } from './faults.js';
import type { RunningCluster } from './running-target.js';

/** As `docker-compose.yml` publishes them. */
const REGIONS = ['eastus', 'westeurope', 'southeastasia'].map((name, index) => ({
  name: parseRegionName(name),
  registry: `http://localhost:${8101 + index}`,
  store: `http://localhost:${8121 + index}`,
}));
const ROUTER = 'http://localhost:8100';
const PRIMARY_ADMIN = 'http://localhost:8111';
const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
/** Clients are as far from a region as that region is from theirs. */
const LINKS_FILE = join(ROOT, 'deploy', 'wan', 'links.json');
const PARTS = ['registry', 'replicator', 'minio', 'redis', 'edge'];

/** The cluster of `docker compose up`. */
export function composeCluster(wanFile = LINKS_FILE): RunningCluster {
  return {
    description: 'docker compose: a MinIO and a Redis in each region, containers on one machine',
    router: ROUTER,
    regions: REGIONS,
    stores: REGIONS.map(({ name, store }) => ({ origin: store, region: name })),
    admin: PRIMARY_ADMIN,
    wanFile,
    faults: composeFaults,
  };
}

const servicesOf = (region: RegionName): readonly string[] => PARTS.map((part) => `${region}-${part}`);

const composeFaults: Faults = {
  stopRegion: (region, signal) => compose(['kill', ...servicesOf(region)], signal),
  startRegion: (region, signal) => compose(['up', '-d', '--wait', '--no-recreate', ...servicesOf(region)], signal),
  flushRedis: (region, signal) => compose(['exec', '-T', `${region}-redis`, 'redis-cli', 'FLUSHALL'], signal),
};

async function compose(args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await promisify(execFile)('docker', ['compose', ...args], { cwd: ROOT, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Problem(`docker compose ${args.join(' ')}: ${messageOf(error)}`, { cause: error });
  }
}
