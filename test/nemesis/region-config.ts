import { join } from 'node:path';
import { type Places, PRIMARY, REGIONS, urlOf } from './places.js';

export interface ConfigSource {
  readonly places: Places;
  readonly clusterKeyFile: string;
  /** Of the regions, in their order. */
  readonly storages: readonly object[];
  readonly routerMode: 'redirect' | 'proxy';
  /** Of the regions; they make it. */
  readonly spoolDirectory: string;
  readonly gcGraceMs: number | undefined;
}

const GRACE_MS = 5_000;
const ROUND_TRIP_MS = 20;

/** What one process of a region reads at its start. */
export function regionConfig(source: ConfigSource, index: number, place: { port: number; operator: number }): object {
  const ports = source.places.region(index);
  return {
    topology: topologyFrom(source.places, (to) => (index === to ? ports.front : source.places.relay(index, to))),
    region: REGIONS[index],
    clusterKeyFile: source.clusterKeyFile,
    storage: source.storages[index],
    blobs: { spoolDirectory: join(source.spoolDirectory, REGIONS[index] ?? '') },
    redisUrl: `redis://127.0.0.1:${ports.redisRelay}`,
    anonymousAccess: 'push',
    http: http(place),
    ...(source.gcGraceMs === undefined ? {} : { gc: { graceMs: source.gcGraceMs } }),
    shutdown: { graceMs: GRACE_MS },
  };
}

export function routerConfig({ places, clusterKeyFile, routerMode }: ConfigSource): object {
  return {
    topology: topologyFrom(places, (to) => places.routerToRegion(to)),
    clusterKeyFile,
    anonymousAccess: 'push',
    http: http({ port: places.router, operator: places.routerOperator }),
    router: { mode: routerMode, trustRegionHeader: true },
    shutdown: { graceMs: GRACE_MS },
  };
}

function http({ port, operator }: { port: number; operator: number }): object {
  return { host: '127.0.0.1', port, operatorHost: '127.0.0.1', operatorPort: operator };
}

/** The cluster, as somebody sees it whose way to each region is `portOf`. */
function topologyFrom(places: Places, portOf: (to: number) => number): object {
  const byName = <T>(of: (index: number) => T) =>
    Object.fromEntries(REGIONS.map((name, index) => [name, of(index)] as const));
  return {
    regions: REGIONS.map((name, to) => ({
      name,
      role: name === PRIMARY ? 'primary' : 'replica',
      publicUrl: urlOf(places.region(to).front),
      peerUrl: urlOf(portOf(to)),
      publicUrlFrom: byName((from) => urlOf(from === to ? places.region(to).front : places.relay(from, to))),
    })),
    roundTripMs: byName((from) => byName((to) => (from === to ? 0 : ROUND_TRIP_MS))),
    clientNetworks: [],
    defaultRegion: PRIMARY,
  };
}
