import { type DistributionRoute, parseDistributionPath } from '#libs/oci';

const TEMPLATES: Readonly<Record<DistributionRoute['kind'], string>> = {
  base: '/v2/',
  catalog: '/v2/_catalog',
  tags: '/v2/{name}/tags/list',
  manifest: '/v2/{name}/manifests/{reference}',
  blob: '/v2/{name}/blobs/{digest}',
  uploads: '/v2/{name}/blobs/uploads/',
  upload: '/v2/{name}/blobs/uploads/{id}',
  referrers: '/v2/{name}/referrers/{digest}',
};

/** What a path is called in metrics and logs: one of a few names, whatever clients send. */
export function routeTemplate(method: string, path: string): string {
  if (path.startsWith('/_meridian/')) return '/_meridian/*';
  if (!path.startsWith('/v2/')) return '*';
  try {
    const route = parseDistributionPath(path, method);
    return route ? TEMPLATES[route.kind] : '/v2/*';
  } catch {
    return '/v2/*';
  }
}
