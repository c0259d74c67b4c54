/** Three regions: the first is the primary. */
export const REGIONS = ['eastus', 'westeurope', 'southeastasia'] as const;
export const PRIMARY = REGIONS[0];

export interface RegionPorts {
  /** Where clients and peers reach the region. */
  readonly front: number;
  readonly registries: readonly { readonly port: number; readonly operator: number }[];
  readonly replicator: { readonly port: number; readonly operator: number };
  readonly redis: number;
  readonly redisRelay: number;
  readonly store: number;
  readonly storeProxy: number;
  /** Where other regions' lines end, if somebody stands there who makes answers wrong. */
  readonly peerProxy: number;
}

export const PORTS_NEEDED = 160;

/** Which port is whose, from one base. */
export class Places {
  constructor(private readonly base: number) {}

  readonly router = this.base;
  readonly routerOperator = this.base + 1;

  region(index: number): RegionPorts {
    const first = this.base + 20 * (index + 1);
    const pair = (at: number) => ({ port: first + at, operator: first + at + 1 });
    return {
      front: first,
      // The primary has two registry processes: uploads and appends meet.
      registries: index === 0 ? [pair(1), pair(3)] : [pair(1)],
      replicator: pair(5),
      redis: first + 7,
      redisRelay: first + 8,
      store: first + 9,
      storeProxy: first + 10,
      peerProxy: first + 11,
    };
  }

  /** From one region to another, as its processes and clients go. */
  relay(from: number, to: number): number {
    return this.base + 100 + 10 * from + to;
  }

  routerToRegion(to: number): number {
    return this.base + 140 + to;
  }

  clientsToRouter(from: number): number {
    return this.base + 150 + from;
  }
}

export const urlOf = (port: number) => `http://127.0.0.1:${port}`;
