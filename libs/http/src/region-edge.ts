import { PEER_PATH } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import type { Access } from './access.js';
import type { DistributionDispatcher } from './distribution/distribution-dispatcher.js';
import type { Exchange } from './exchange.js';
import type { PeerApi } from './peer-api/peer-api.js';
import { type HttpLog, sendError } from './send-error.js';

export interface RegionEdgeOptions {
  readonly distribution: DistributionDispatcher;
  readonly peers: PeerApi;
  readonly access: Access;
  readonly log: HttpLog;
  readonly clock: Clock;
}

/** The public port of a region: the registry API for clients, and the internal API for the cluster's own processes. */
export class RegionEdge {
  constructor(private readonly options: RegionEdgeOptions) {}

  async handle(exchange: Exchange): Promise<void> {
    if (!exchange.path.startsWith(`${PEER_PATH}/`)) return this.options.distribution.handle(exchange);
    try {
      this.options.access.authorise(exchange, 'peer', undefined);
      await this.options.peers.handle(exchange);
    } catch (error) {
      await sendError(exchange, error, this.options);
    }
  }
}
