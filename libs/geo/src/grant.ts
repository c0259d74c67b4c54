import { type Digest, formatReference, type Reference, type RepositoryName } from '#libs/oci';
import type { RegionName } from './region.js';
import { readToken, type SignedPayload, signToken } from './signed-token.js';

/** The query parameter that carries a grant on a redirect's target. */
export const GRANT_PARAMETER = 'meridian-grant';

export const MAX_GRANT_LIFE_MS = 5 * 60_000;

/** How far a region's clock may be behind the issuer's. */
const CLOCK_SKEW_MS = 30_000;

/** `pull`: GET and HEAD. `push`: everything that changes something, and the state of an upload. */
export type GrantAccess = 'pull' | 'push';

/** What is asked for, within a repository. `upload` covers beginning an upload and all requests to its session. */
export type GrantResource =
  | { readonly kind: 'manifest'; readonly reference: Reference }
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'referrers'; readonly digest: Digest }
  | { readonly kind: 'tags' }
  | { readonly kind: 'upload' };

/** A request as a grant allows it: all of it is bound, nothing is a pattern (T8). */
export interface GrantScope {
  readonly access: GrantAccess;
  readonly repository: RepositoryName;
  readonly resource: GrantResource;
  /** The region that may honour it. */
  readonly region: RegionName;
}

/** Why a grant is worth nothing: `invalid`: not ours or not a grant; `mismatch`: a grant of something else. */
export type GrantRefusal = 'invalid' | 'expired' | 'mismatch';

/**
 * A promise to the target of a redirect that its sender may make this one request: clients drop `Authorization` when
 * they are sent to another host. `lifeMs` runs from `nowMs`.
 * @throws RangeError when `lifeMs` is not between 1 and {@link MAX_GRANT_LIFE_MS}
 */
export function issueGrant(key: Uint8Array, scope: GrantScope, nowMs: number, lifeMs: number): string {
  if (!(lifeMs >= 1 && lifeMs <= MAX_GRANT_LIFE_MS)) throw new RangeError(`a grant cannot live ${lifeMs} ms`);
  return signToken(key, { ...claimsOf(scope), exp: Math.floor(nowMs + lifeMs) });
}

/** `ok`, or why not. `scope` is what the request at hand asks for, in the region that it has reached. */
export function verifyGrant(key: Uint8Array, text: string, scope: GrantScope, nowMs: number): 'ok' | GrantRefusal {
  const payload = readToken(key, text);
  if (payload === undefined || payload.exp > nowMs + MAX_GRANT_LIFE_MS + CLOCK_SKEW_MS) return 'invalid';
  if (nowMs >= payload.exp) return 'expired';
  return grants(payload, scope) ? 'ok' : 'mismatch';
}

/** The access that a method needs; `undefined` for methods that the API does not have. */
export function grantAccessOf(method: string, kind: GrantResource['kind']): GrantAccess | undefined {
  if (kind === 'upload') return ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE'].includes(method) ? 'push' : undefined;
  if (method === 'GET' || method === 'HEAD') return 'pull';
  return method === 'PUT' || method === 'DELETE' ? 'push' : undefined;
}

function claimsOf(scope: GrantScope): Readonly<Record<string, string>> {
  return {
    acc: scope.access,
    rep: scope.repository,
    kind: scope.resource.kind,
    ref: referenceOf(scope.resource),
    reg: scope.region,
  };
}

function grants(payload: SignedPayload, scope: GrantScope): boolean {
  return Object.entries(claimsOf(scope)).every(([claim, value]) => payload[claim] === value);
}

function referenceOf(resource: GrantResource): string {
  switch (resource.kind) {
    case 'manifest':
      return formatReference(resource.reference);
    case 'blob':
    case 'referrers':
      return resource.digest;
    case 'tags':
    case 'upload':
      return '';
  }
}
