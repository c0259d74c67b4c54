import { writeFileAtomically } from '../atomic-file.js';
import type { DataDirectory } from '../data-directory.js';
import { GRACE_MS } from './app-process.js';
import { clientAddress } from './client-address.js';
import { type ClusterPlan, localUrl, type RegionPlan } from './plan.js';

/** Where a region's bucket is, in the words of the apps' configuration. */
export type StorageSection =
  | { readonly driver: 'filesystem'; readonly directory: string }
  | {
      readonly driver: 's3';
      readonly endpoint: string;
      readonly bucket: string;
      readonly region: string;
      readonly accessKeyId: string;
      readonly secretAccessKeyFile: string;
    };

export interface ConfigSource {
  readonly plan: ClusterPlan;
  readonly data: DataDirectory;
  readonly clusterKeyFile: string;
  /** By the region's name: the file with the key that it signs with. */
  readonly signingKeyFiles: ReadonlyMap<string, string>;
  /** By the region's name. */
  readonly storages: ReadonlyMap<string, { readonly section: StorageSection }>;
}

/** Writes what each process reads at its start: a registry and a replicator per region, and the router. */
export async function writeConfigFiles(source: ConfigSource): Promise<void> {
  for (const region of source.plan.regions) {
    const { registry, operator, replicator, replicatorOperator } = region.ports;
    await write(source, `${region.name}-registry`, regionConfig(source, region, registry, operator));
    await write(source, `${region.name}-replicator`, regionConfig(source, region, replicator, replicatorOperator));
  }
  await write(source, 'router', routerConfig(source));
}

async function write(source: ConfigSource, name: string, config: object): Promise<void> {
  await writeFileAtomically(source.data.configFile(name), `${JSON.stringify(config, undefined, 2)}\n`, 0o600);
}

function regionConfig(source: ConfigSource, region: RegionPlan, port: number, operatorPort: number) {
  return {
    topology: topologySeenFrom(source.plan, region),
    region: region.name,
    clusterKeyFile: source.clusterKeyFile,
    signingKeyFile: source.signingKeyFiles.get(region.name),
    storage: source.storages.get(region.name)?.section,
    replication: { replicatorUrl: localUrl(region.ports.replicator) },
    blobs: { spoolDirectory: source.data.spoolDirectory(region.name) },
    redisUrl: `redis://127.0.0.1:${region.ports.redis}`,
    // Everything listens on loopback only: whoever can reach it owns the data anyway.
    anonymousAccess: 'push',
    http: { host: '127.0.0.1', port, operatorHost: '127.0.0.1', operatorPort },
    shutdown: { graceMs: GRACE_MS },
  };
}

/** The router stands in the primary's region. */
function routerConfig({ plan, clusterKeyFile }: ConfigSource) {
  const { router, routerOperator } = plan.ports;
  return {
    topology: topologySeenFrom(plan, plan.primary),
    clusterKeyFile,
    anonymousAccess: 'push',
    http: { host: '127.0.0.1', port: router, operatorHost: '127.0.0.1', operatorPort: routerOperator },
    router: { mode: 'redirect', trustRegionHeader: true },
    shutdown: { graceMs: GRACE_MS },
  };
}

function topologySeenFrom(plan: ClusterPlan, viewer: RegionPlan) {
  return {
    regions: plan.regions.map((region) => ({
      name: region.name,
      role: region.role,
      publicUrl: localUrl(region.ports.registry),
      peerUrl: plan.registryUrlFrom(viewer, region),
      publicUrlFrom: byName(plan, (from) => plan.registryUrlFrom(from, region)),
    })),
    roundTripMs: byName(plan, (from) => byName(plan, (to) => plan.links.between(from.name, to.name).roundTripMs)),
    clientNetworks: plan.regions.map((region) => ({ cidr: `${clientAddress(region)}/32`, region: region.name })),
    defaultRegion: plan.primary.name,
  };
}

function byName<Value>(plan: ClusterPlan, of: (region: RegionPlan) => Value): Readonly<Record<string, Value>> {
  return Object.fromEntries(plan.regions.map((region) => [region.name, of(region)]));
}
