import type { IncomingMessage } from 'node:http';
import {
  GRANT_PARAMETER,
  type GrantResource,
  grantAccessOf,
  REGION_TOKEN_SCHEME,
  type RegionName,
  type TokenSubject,
  verifyGrant,
  verifyRegionToken,
} from '#libs/geo';
import { RegistryError, type RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import type { AccessNeed } from './access-policy.js';
import { isWellFormedAuthorization } from './authorization-header.js';
import type { Exchange } from './exchange.js';

/** Who asks, once it is certain that it may. */
export interface Principal {
  readonly kind: 'anonymous' | 'grant' | 'peer';
  /** Which process of the cluster it is. */
  readonly subject?: TokenSubject;
  /** Whether it may also read another repository: for a mount from there. */
  mayPull(repository: RepositoryName): boolean;
}

/** What a request is about, in the terms of a grant; `undefined` for what no grant can allow. */
export interface AccessTarget {
  readonly repository: RepositoryName;
  readonly resource: GrantResource;
}

export interface AccessOptions {
  readonly region: RegionName;
  readonly anonymousAccess: 'none' | 'pull' | 'push';
  readonly grantKey: Uint8Array;
  readonly regionTokenKey: Uint8Array;
  readonly clock: Pick<Clock, 'now'>;
}

/** What clients are told to come back with; nothing but the router's grants is there yet. */
const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="Meridian"' };

/** Decides who may do what; whatever is not allowed expressly is refused. */
export class Access {
  constructor(private readonly options: AccessOptions) {}

  /** @throws RegistryError `UNAUTHORIZED`: come back with credentials · `DENIED`: these are not enough */
  authorise(exchange: Exchange, need: AccessNeed, target: AccessTarget | undefined): Principal {
    const grant = exchange.query.get(GRANT_PARAMETER);
    // A request with a grant was sent here by the router; its Authorization is the router's affair.
    if (grant !== null && need !== 'peer') return this.#byGrant(exchange.request, grant, target);
    const subject = this.#peer(exchange.request);
    if (subject !== undefined) return { kind: 'peer', subject, mayPull: () => true };
    if (need === 'peer') throw new RegistryError('DENIED');
    return this.#anonymously(exchange.request, need);
  }

  #byGrant(request: IncomingMessage, grant: string, target: AccessTarget | undefined): Principal {
    const { grantKey, region, clock } = this.options;
    const access = target === undefined ? undefined : grantAccessOf(request.method ?? '', target.resource.kind);
    if (target === undefined || access === undefined) throw new RegistryError('DENIED', { grant: 'mismatch' });
    const verdict = verifyGrant(grantKey, grant, { ...target, access, region }, clock.now());
    if (verdict !== 'ok') throw new RegistryError('DENIED', { grant: verdict });
    return { kind: 'grant', mayPull: () => this.#anonymousMay('pull') };
  }

  #peer(request: IncomingMessage): TokenSubject | undefined {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme !== REGION_TOKEN_SCHEME || token === undefined) return undefined;
    return verifyRegionToken(this.options.regionTokenKey, token, this.options.clock.now());
  }

  #anonymously(request: IncomingMessage, need: 'pull' | 'push'): Principal {
    if (!this.#anonymousMay(need) || !isWellFormedAuthorization(request)) {
      throw new RegistryError('UNAUTHORIZED', undefined, { headers: CHALLENGE });
    }
    return { kind: 'anonymous', mayPull: () => true };
  }

  #anonymousMay(need: 'pull' | 'push'): boolean {
    const { anonymousAccess } = this.options;
    return anonymousAccess === 'push' || anonymousAccess === need;
  }
}
