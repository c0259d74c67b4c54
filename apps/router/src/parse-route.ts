import { type GrantAccess, type GrantResource, grantAccessOf } from '#libs/geo';
import {
  type DistributionRoute,
  MAX_URL_LENGTH,
  parseDistributionPath,
  RegistryError,
  type RepositoryName,
  ROUTE_METHODS,
} from '#libs/oci';

/** What a request wants, as far as its way depends on it. The region that it reaches looks closer. */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | {
      readonly kind: 'repository';
      readonly access: GrantAccess;
      readonly repository: RepositoryName;
      readonly resource: GrantResource;
    };

/** Whatever else is in a target would be copied into a `Location`. */
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * Reads method and request target (path and query).
 * @throws RegistryError for everything that no region would answer otherwise
 */
export function parseRoute(method: string, target: string): Route {
  if (target.length > MAX_URL_LENGTH)
    throw new RegistryError('NAME_INVALID', undefined, { status: 414, message: 'the URL is too long' });
  if (!PRINTABLE.test(target)) throw new RegistryError('NAME_INVALID');
  const [path = ''] = target.split('?', 1);
  const route = parseDistributionPath(path, method);
  if (route === undefined) throw new RegistryError('NOT_FOUND');
  const allowed = ROUTE_METHODS[route.kind];
  if (!allowed.includes(method))
    throw new RegistryError('UNSUPPORTED', undefined, { headers: { Allow: allowed.join(', ') } });
  if (route.kind === 'base' || route.kind === 'catalog') return { kind: route.kind };
  const resource = resourceOf(route);
  const access = grantAccessOf(method, resource.kind);
  if (access === undefined) throw new RegistryError('UNSUPPORTED');
  return { kind: 'repository', access, repository: route.repository, resource };
}

function resourceOf(route: Exclude<DistributionRoute, { readonly kind: 'base' | 'catalog' }>): GrantResource {
  switch (route.kind) {
    case 'manifest':
      return { kind: 'manifest', reference: route.reference };
    case 'blob':
    case 'referrers':
      return { kind: route.kind, digest: route.digest };
    case 'tags':
      return { kind: 'tags' };
    case 'uploads':
    case 'upload':
      return { kind: 'upload' };
  }
}
