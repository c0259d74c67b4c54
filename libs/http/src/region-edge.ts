import { PEER_PATH } from '#libs/peer';
import type { Clock } from '#libs/resilience';
import type { Access } from './access.js';
import type { Admission, Lane } from './admission.js';
import type { DistributionDispatcher } from './distribution/distribution-dispatcher.js';
import type { Exchange } from './exchange.js';
import type { PeerApi } from './peer-api/peer-api.js';
import { type HttpLog, sendError } from './send-error.js';

export interface RegionEdgeOptions {
  readonly distribution: DistributionDispatcher;
  readonly peers: PeerApi;
  readonly access: Access;
  readonly admission: Admission;
  readonly log: HttpLog;
  readonly clock: Clock;
}

/** The public port of a region: the registry API for clients, and the internal API for the cluster's own processes. */
export class RegionEdge {
  constructor(private readonly options: RegionEdgeOptions) {}

  async handle(exchange: Exchange): Promise<void> {
    const { access, admission, distribution, peers } = this.options;
    try {
      const lane = laneOf(exchange);
      if (lane !== undefined) admission.admit(lane, exchange.response);
      if (lane === 'pulls' || lane === 'pushes') return await distribution.handle(exchange);
      await peers.handle(exchange, access.authorise(exchange, 'peer', undefined).subject);
    } catch (error) {
      await sendError(exchange, error, this.options);
    }
  }
}

/** Of what regions ask, only bytes take places: the rest is small, or a stream that each region has one of. */
function laneOf({ path, request }: Exchange): Lane | undefined {
  if (path.startsWith(`${PEER_PATH}/blobs/`)) return 'copies';
  if (path.startsWith(`${PEER_PATH}/`)) return undefined;
  return ['GET', 'HEAD'].includes(request.method ?? '') ? 'pulls' : 'pushes';
}
