import type { Clock } from '#libs/resilience';
import { parseRegionName, type RegionName } from './region.js';
import { openToken, type SignedPayload, signToken } from './signed-token.js';

/** The scheme of `Authorization` between the cluster's own processes: `Authorization: Meridian <token>`. */
export const REGION_TOKEN_SCHEME = 'Meridian';

/** Used for some seconds, so it only has to outlive those, the way there and the difference between clocks. */
export const REGION_TOKEN_LIFE_MS = 2 * 60_000;

const MAX_LIFE_MS = 5 * 60_000;

/** Who speaks: a region's process, or the router, which belongs to none. */
export type TokenSubject = { readonly kind: 'region'; readonly name: RegionName } | { readonly kind: 'router' };

export function issueRegionToken(key: Uint8Array, subject: TokenSubject, clock: Pick<Clock, 'now'>): string {
  const claims = subject.kind === 'region' ? { sub: subject.kind, name: subject.name } : { sub: subject.kind };
  return signToken(key, { ...claims, exp: Math.floor(clock.now()) + REGION_TOKEN_LIFE_MS });
}

/** Who signed the token, or `undefined` if nobody of this cluster did, or too long ago. */
export function verifyRegionToken(key: Uint8Array, text: string, nowMs: number): TokenSubject | undefined {
  const payload = openToken(key, text, nowMs);
  if (payload === undefined || payload.exp > nowMs + MAX_LIFE_MS) return undefined;
  return subjectOf(payload);
}

function subjectOf(payload: SignedPayload): TokenSubject | undefined {
  if (payload.sub === 'router') return { kind: 'router' };
  if (payload.sub !== 'region' || typeof payload.name !== 'string') return undefined;
  try {
    return { kind: 'region', name: parseRegionName(payload.name) };
  } catch {
    return undefined; // signed by a release whose names are wider than ours
  }
}
