import type { GrantResource } from '#libs/geo';
import { type DistributionRoute, ROUTE_METHODS } from '#libs/oci';
import type { AccessTarget } from '../access.js';
import { ACCESS_POLICY, type AccessNeed, type RouteName, requireRows, routeName } from '../access-policy.js';

/** What each kind of route is called in the access policy. */
const TEMPLATES: Readonly<Record<DistributionRoute['kind'], string>> = {
  base: '/v2/',
  catalog: '/v2/_catalog',
  tags: '/v2/<name>/tags/list',
  manifest: '/v2/<name>/manifests/<reference>',
  blob: '/v2/<name>/blobs/<digest>',
  uploads: '/v2/<name>/blobs/uploads/',
  upload: '/v2/<name>/blobs/uploads/<upload>',
  referrers: '/v2/<name>/referrers/<digest>',
};

requireRows(
  Object.entries(TEMPLATES).flatMap(([kind, template]) =>
    ROUTE_METHODS[kind as DistributionRoute['kind']].map((method) => routeName(method, template)),
  ),
);

/** What a request needs, for a method that its route has. */
export function accessNeedOf(route: DistributionRoute, method: string): AccessNeed {
  return ACCESS_POLICY[routeName(method, TEMPLATES[route.kind]) as RouteName];
}

/** What a grant would have to name; `undefined` for what no grant can allow. */
export function accessTargetOf(route: DistributionRoute): AccessTarget | undefined {
  if (route.kind === 'base' || route.kind === 'catalog') return undefined;
  return { repository: route.repository, resource: resourceOf(route) };
}

function resourceOf(route: Exclude<DistributionRoute, { readonly kind: 'base' | 'catalog' }>): GrantResource {
  switch (route.kind) {
    case 'manifest':
      return { kind: 'manifest', reference: route.reference };
    case 'blob':
      return { kind: 'blob', digest: route.digest };
    case 'referrers':
      return { kind: 'referrers', digest: route.digest };
    case 'tags':
      return { kind: 'tags' };
    case 'uploads':
    case 'upload':
      return { kind: 'upload' };
  }
}

/** Whether a request changes something, or asks for a session that only the primary has. */
export function isWrite(route: DistributionRoute, method: string): boolean {
  return route.kind === 'upload' || route.kind === 'uploads' || !['GET', 'HEAD'].includes(method);
}
