import { Agent, buildConnector } from 'undici';
import { CLIENT_REGION_HEADER, type RegionName } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { type RegistryAnswer, RegistryClient } from '../demo/registry-client.js';
import { Problem } from '../problem.js';
import { type LinkTable, readLinkTable } from '../wan/link-table.js';
import { WideAreaNetwork } from '../wan/wide-area-network.js';
import type { Faults } from './faults.js';
import type { Source, Target, TargetRegion } from './target.js';

/** An address of the cluster, and the region in which it stands. */
interface Place {
  readonly origin: string;
  readonly region: RegionName;
}

export interface RunningCluster {
  readonly description: string;
  readonly router: string;
  /** The first is the primary. */
  readonly regions: readonly { readonly name: RegionName; readonly registry: string }[];
  /** Where a region's registry sends clients for blobs, if it does. */
  readonly stores: readonly Place[];
  readonly admin: string;
  readonly wanFile: string | undefined;
  readonly faults: Faults | undefined;
}

/**
 * A cluster that runs anyway, near to this machine. Its clients are placed: whatever a client connects to, it does so
 * through a relay that is as long as the way from the client's region to the place of that address.
 */
export async function openRunningTarget(cluster: RunningCluster, clock: Clock): Promise<Target> {
  const [first] = cluster.regions;
  if (first === undefined)
    throw new Problem('a running cluster needs its regions: --region NAME=URL, the primary first');
  const places: readonly Place[] = [
    { origin: cluster.router, region: first.name },
    ...cluster.regions.map(({ name, registry }) => ({ origin: registry, region: name })),
    ...cluster.stores,
  ];
  const links = await readLinkTable(cluster.wanFile);
  const network = new WideAreaNetwork(clock);
  try {
    const regions: TargetRegion[] = [];
    for (const { name, registry } of cluster.regions) {
      const relays = await openRelays(network, links, name, places);
      const urls: Readonly<Record<Source, string>> = {
        router: cluster.router,
        replica: registry,
        primary: first.registry,
      };
      regions.push({
        name,
        role: name === first.name ? 'primary' : 'replica',
        line: links.between(name, first.name),
        connect: (source) => new RegistryClient(urls[source], { [CLIENT_REGION_HEADER]: name }, agentThrough(relays)),
        regionOf: (answer) => whoAnswered(places, answer),
      });
    }
    const [primary] = regions;
    if (primary === undefined) throw new Problem('there is no primary');
    return {
      description: cluster.description,
      network: 'clients are placed by relays in user space; what is between the regions is as it is there',
      regions,
      primary,
      admin: cluster.admin,
      faults: cluster.faults,
      close: () => network.close(),
    };
  } catch (error) {
    await network.close();
    throw error;
  }
}

/** @returns the port of the relay for each address, `host:port` */
async function openRelays(
  network: WideAreaNetwork,
  links: LinkTable,
  from: RegionName,
  places: readonly Place[],
): Promise<ReadonlyMap<string, number>> {
  const relays = new Map<string, number>();
  for (const { origin, region } of places) {
    if (region === from) continue;
    const link = network.find(from, region) ?? network.addLink(from, region, links.between(from, region));
    const { hostname, targetPort } = addressOf(new URL(origin));
    relays.set(
      `${hostname}:${targetPort}`,
      await network.addRelay(link, { listenPort: 0, targetHost: hostname, targetPort }),
    );
  }
  return relays;
}

/** The URL stays what it is, and with it the name that is asked for and the certificate; only the way is another. */
function agentThrough(relays: ReadonlyMap<string, number>): Agent {
  const connectTo = buildConnector({});
  return new Agent({
    connect: (options, callback) => {
      const port = options.port || defaultPort(options.protocol);
      const relay = relays.get(`${options.hostname}:${port}`);
      if (relay === undefined) return connectTo(options, callback);
      const servername = options.servername ?? options.hostname;
      connectTo(
        { ...options, servername, hostname: '127.0.0.1', host: `127.0.0.1:${relay}`, port: String(relay) },
        callback,
      );
    },
  });
}

function addressOf({ hostname, port, protocol }: URL): { readonly hostname: string; readonly targetPort: number } {
  return { hostname, targetPort: Number(port || defaultPort(protocol)) };
}

const defaultPort = (protocol: string): string => (protocol === 'https:' ? '443' : '80');

function whoAnswered(places: readonly Place[], { headers, url }: RegistryAnswer): string {
  return headers['meridian-region'] ?? places.find(({ origin }) => origin === url.origin)?.region ?? url.host;
}
