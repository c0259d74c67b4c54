/**
 * Who may use a route. `pull`, `push`: whom the configuration, a router's grant or a region's token lets; `peer`: the
 * cluster's own processes and nobody else.
 */
export type AccessNeed = 'pull' | 'push' | 'peer';

/** Every route of the public port. HEAD is what GET is. What has no row here is not served (see {@link requireRows}). */
export const ACCESS_POLICY = {
  'GET /v2/': 'pull',
  'GET /v2/_catalog': 'pull',
  'GET /v2/<name>/tags/list': 'pull',
  'GET /v2/<name>/referrers/<digest>': 'pull',
  'GET /v2/<name>/manifests/<reference>': 'pull',
  'PUT /v2/<name>/manifests/<reference>': 'push',
  'DELETE /v2/<name>/manifests/<reference>': 'push',
  'GET /v2/<name>/blobs/<digest>': 'pull',
  'DELETE /v2/<name>/blobs/<digest>': 'push',
  'POST /v2/<name>/blobs/uploads/': 'push',
  'GET /v2/<name>/blobs/uploads/<upload>': 'push',
  'PATCH /v2/<name>/blobs/uploads/<upload>': 'push',
  'PUT /v2/<name>/blobs/uploads/<upload>': 'push',
  'DELETE /v2/<name>/blobs/uploads/<upload>': 'push',
  'GET /_meridian/v1/journal': 'peer',
  'GET /_meridian/v1/blobs/<digest>': 'peer',
  'POST /_meridian/v1/blobs': 'peer',
  'GET /_meridian/v1/manifests': 'peer',
  'GET /_meridian/v1/links': 'peer',
  'GET /_meridian/v1/status': 'peer',
  'GET /_meridian/v1/status/stream': 'peer',
  'GET /_meridian/v1/presence': 'peer',
} as const satisfies Readonly<Record<string, AccessNeed>>;

export type RouteName = keyof typeof ACCESS_POLICY;

/** Called when routes are put together: a route that nobody decided about must not be reachable by accident. */
export function requireRows(routes: Iterable<string>): void {
  const missing = [...routes].filter((route) => !Object.hasOwn(ACCESS_POLICY, route));
  if (missing.length > 0) throw new TypeError(`routes without a row in the access policy: ${missing.join(', ')}`);
}

/** The row's name for a request; it need not exist. */
export function routeName(method: string | undefined, template: string): string {
  return `${method === 'HEAD' ? 'GET' : method} ${template}`;
}
