import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { CLIENT_REGION_HEADER, parseRegionName, type RegionName } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { DataDirectory } from '../data-directory.js';
import { type RegistryAnswer, RegistryClient } from '../demo/registry-client.js';
import { messageOf } from '../problem.js';
import type { LineQuality } from '../wan/link-table.js';
import { readLinkTable } from '../wan/link-table.js';
import { embeddedFaults } from './embedded-faults.js';
import { type Simulator, startSimulator } from './simulator-process.js';
import type { Source, Target, TargetRegion } from './target.js';

const regionSchema = z.object({
  name: z.string().transform(parseRegionName),
  role: z.enum(['primary', 'replica']),
  registry: z.string(),
  router: z.string(),
  admin: z.string(),
  redis: z.string(),
  registries: z.record(z.string(), z.string()),
});
const clusterSchema = z.object({ wan: z.string(), regions: z.array(regionSchema) });

export type EmbeddedRegion = z.infer<typeof regionSchema>;
export type EmbeddedCluster = z.infer<typeof clusterSchema>;

export interface EmbeddedOptions {
  readonly regions: string | undefined;
  readonly wanFile: string | undefined;
}

/** A cluster of this machine's own, in a directory of its own, with processes and a network that end with it. */
export async function openEmbeddedTarget(
  { regions, wanFile }: EmbeddedOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<Target> {
  const links = await readLinkTable(wanFile);
  const args = [
    ...(regions === undefined ? [] : ['--regions', regions]),
    ...(wanFile === undefined ? [] : ['--wan', wanFile]),
  ];
  const simulator = await startSimulator(args, clock, signal);
  const close = async (): Promise<void> => {
    await simulator.stop();
    await rm(simulator.directory, { recursive: true, force: true });
  };
  try {
    const cluster = await readCluster(simulator);
    const primary = cluster.regions.find(({ role }) => role === 'primary');
    if (primary === undefined) throw new TypeError('the cluster has no primary');
    const lineOf = (region: EmbeddedRegion): LineQuality => links.between(region.name, primary.name);
    const standing = cluster.regions.map((region) => regionOf(region, cluster, primary, lineOf(region)));
    return {
      description: 'the embedded cluster, buckets in directories, all processes on one machine',
      network:
        'relays in user space: round trips, rates and shared lines; connections cost a round trip; no slow start, no loss',
      regions: standing,
      primary: standing.find(({ role }) => role === 'primary') ?? regionOf(primary, cluster, primary, lineOf(primary)),
      admin: primary.admin,
      faults: embeddedFaults(cluster, new DataDirectory(simulator.directory), clock),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readCluster(simulator: Simulator): Promise<EmbeddedCluster> {
  const text = await readFile(new DataDirectory(simulator.directory).clusterFile, 'utf8');
  try {
    return clusterSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new TypeError(`the cluster describes itself in another way than expected: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function regionOf(
  region: EmbeddedRegion,
  cluster: EmbeddedCluster,
  primary: EmbeddedRegion,
  line: LineQuality,
): TargetRegion {
  const urls: Readonly<Record<Source, string>> = {
    router: region.router,
    replica: region.registry,
    primary: region.registries[primary.name] ?? primary.registry,
  };
  return {
    name: region.name,
    role: region.role,
    line,
    connect: (source) => new RegistryClient(urls[source], { [CLIENT_REGION_HEADER]: region.name }),
    regionOf: (answer) => whoAnswered(cluster, answer),
  };
}

/** Its own word, or else whose address it is. */
function whoAnswered(cluster: EmbeddedCluster, { headers, url }: RegistryAnswer): string {
  const named = headers['meridian-region'];
  if (named !== undefined) return named;
  const leadsTo = (name: RegionName): boolean =>
    cluster.regions.some(({ registries }) => registries[name] === url.origin);
  return cluster.regions.find(({ name }) => leadsTo(name))?.name ?? url.host;
}
