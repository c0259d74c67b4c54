import type { RegionName, RegionRole } from '#libs/geo';
import { type PortPlan, planPorts, type RegionPorts } from '../ports.js';
import type { LinkTable } from '../wan/link-table.js';

/** What is started where. Made once from the options; everything else follows from it. */
export interface ClusterPlan {
  readonly regions: readonly RegionPlan[];
  readonly primary: RegionPlan;
  readonly ports: PortPlan;
  readonly links: LinkTable;
  /** The router as a client of that region reaches it: through the line, except where it stands. */
  routerUrlFrom(region: RegionPlan): string;
  /** A region's registry as a client or a peer of another reaches it. */
  registryUrlFrom(from: RegionPlan, to: RegionPlan): string;
}

export interface RegionPlan {
  readonly index: number;
  readonly name: RegionName;
  readonly role: RegionRole;
  readonly ports: RegionPorts;
}

/** Clients refuse redirects to address literals, so everything that they see has a name. */
export function localUrl(port: number): string {
  return `http://localhost:${port}`;
}

export function planCluster(names: readonly RegionName[], portBase: number, links: LinkTable): ClusterPlan {
  const ports = planPorts(portBase, names.length);
  const regions = ports.regions.flatMap((regionPorts, index): RegionPlan[] => {
    const name = names[index];
    return name === undefined ? [] : [{ index, name, role: index === 0 ? 'primary' : 'replica', ports: regionPorts }];
  });
  const [primary] = regions;
  if (primary === undefined) throw new RangeError('a cluster needs a region');
  return {
    regions,
    primary,
    ports,
    links,
    routerUrlFrom: (region) => localUrl(region === primary ? ports.router : ports.relayToRouter(region.index)),
    registryUrlFrom: (from, to) => localUrl(from === to ? to.ports.registry : ports.relay(from.index, to.index)),
  };
}
