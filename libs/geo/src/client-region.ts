import { isIP } from 'node:net';
import { type Network, parseNetwork } from './network.js';
import type { RegionName } from './region.js';
import type { Topology } from './topology.js';

/** Says which region a client belongs to; believed in simulations only. */
export const CLIENT_REGION_HEADER = 'x-meridian-region';

/** What a request tells about where it comes from: one fact and two claims. */
export interface ClientOrigin {
  /** The address of the connection's other end. */
  readonly remoteAddress: string | undefined;
  /** `X-Forwarded-For`, as it came. */
  readonly forwardedFor: string | undefined;
  /** {@link CLIENT_REGION_HEADER}, as it came. */
  readonly regionHeader: string | undefined;
}

export interface ClientRegionOptions {
  readonly trustRegionHeader: boolean;
  /** Networks of the proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
}

/** Which region a client belongs to. A claim that nobody listed may make is ignored, never an error (T7). */
export class ClientRegions {
  readonly #networks: readonly { readonly network: Network; readonly region: RegionName }[];
  readonly #proxies: readonly Network[];
  readonly #known: ReadonlyMap<string, RegionName>;
  readonly #defaultRegion: RegionName;
  readonly #trustRegionHeader: boolean;

  /** @throws TypeError when a network is none */
  constructor(topology: Topology, options: ClientRegionOptions) {
    this.#networks = topology.clientNetworks
      .map(({ cidr, region }) => ({ network: parseNetwork(cidr), region }))
      .sort((a, b) => b.network.specificity - a.network.specificity);
    this.#proxies = options.trustedProxies.map(parseNetwork);
    const names = [...topology.regions.map(({ name }) => name), ...topology.clientNetworks.map(({ region }) => region)];
    this.#known = new Map(names.map((name) => [name, name]));
    this.#defaultRegion = topology.defaultRegion;
    this.#trustRegionHeader = options.trustRegionHeader;
  }

  /** Every region that a client can belong to. */
  get names(): readonly RegionName[] {
    return [...new Set([...this.#known.values(), this.#defaultRegion])];
  }

  regionOf(origin: ClientOrigin): RegionName {
    const claimed = this.#trustRegionHeader ? this.#known.get(origin.regionHeader ?? '') : undefined;
    if (claimed !== undefined) return claimed;
    const address = this.#addressOf(origin);
    const match = this.#networks.find(({ network }) => network.contains(address));
    return match?.region ?? this.#defaultRegion;
  }

  /** The nearest address that no listed proxy vouches for: each hop appends the one that it saw, so read from the end. */
  #addressOf({ remoteAddress, forwardedFor }: ClientOrigin): string {
    let address = remoteAddress ?? '';
    const hops = forwardedFor?.split(',') ?? [];
    while (hops.length > 0 && this.#proxies.some((proxy) => proxy.contains(address))) {
      const hop = hops.pop()?.trim() ?? '';
      if (isIP(hop) === 0) break;
      address = hop;
    }
    return address;
  }
}
