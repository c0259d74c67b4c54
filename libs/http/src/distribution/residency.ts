import {
  type Decision,
  GRANT_PARAMETER,
  grantAccessOf,
  issueGrant,
  MAX_GRANT_LIFE_MS,
  type RegionName,
  type RegionSite,
} from '#libs/geo';
import { type DistributionRoute, RegistryError } from '#libs/oci';
import type { Residency } from '#libs/replication';
import type { Clock } from '#libs/resilience';
import { sendEmpty } from '../answer.js';
import type { Exchange } from '../exchange.js';
import { accessTargetOf } from './routes.js';

/** What a replica may have by the policy, and where whoever asks for the rest is sent. */
export interface ResidencyOptions {
  readonly rules: Pick<Residency, 'refusal' | 'refusalOfUnknown'>;
  readonly region: RegionName;
  /** It has everything. */
  readonly primary: RegionSite;
  readonly grantKey: Uint8Array;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Why this region must not answer a request: neither from its store nor by passing on what another region says, nor by
 * taking bytes on their way to the primary. `undefined`: it may.
 */
export function refusalOf({ rules }: ResidencyOptions, route: DistributionRoute): Decision | undefined {
  if (route.kind === 'base' || route.kind === 'catalog') return undefined;
  const byTag = route.kind === 'manifest' && route.reference.kind === 'tag';
  return rules.refusal(route.repository, byTag ? route.reference.tag : undefined);
}

/** Sends a request to the primary, with a grant, for it was allowed here. @throws RegistryError `DENIED` if the rule says so */
export function sendElsewhere(
  options: ResidencyOptions,
  exchange: Exchange,
  route: DistributionRoute,
  { elsewhere, rule }: Decision,
): void {
  const { region, primary, grantKey, clock } = options;
  const target = accessTargetOf(route);
  const access = target === undefined ? undefined : grantAccessOf(exchange.request.method ?? '', target.resource.kind);
  if (elsewhere === 'deny' || target === undefined || access === undefined) {
    const message = `the policy keeps this out of region ${region} (rule ${rule ?? 'none'})`;
    throw new RegistryError('DENIED', { region, rule: rule ?? null, name: target?.repository }, { message });
  }
  const scope = { ...target, access, region: primary.name };
  const query = new URLSearchParams(exchange.query);
  query.set(GRANT_PARAMETER, issueGrant(grantKey, scope, clock.now(), MAX_GRANT_LIFE_MS));
  const origin = primary.publicUrlFrom?.[region] ?? primary.publicUrl;
  sendEmpty(exchange.response, 307, {
    Location: `${origin}${exchange.path}?${query}`,
    'Cache-Control': 'no-store',
    'Meridian-Region': primary.name,
  });
}
