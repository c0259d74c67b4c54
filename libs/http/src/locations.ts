import type { IncomingMessage } from 'node:http';
import { GRANT_PARAMETER, issueGrant, MAX_GRANT_LIFE_MS, type RegionSite } from '#libs/geo';
import { type Digest, parseDistributionPath, type RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import type { Exchange } from './exchange.js';

/**
 * Absolute addresses for `Location`. They begin with an origin of this region as the client reached it, so that an
 * upload goes on where it began, also after the router sent the client here. Only origins from the topology are ever
 * said: a made-up `Host` must not decide where the next client is sent.
 */
export class Locations {
  readonly #publicUrl: string;
  readonly #origins: ReadonlyMap<string, string>;

  constructor(
    private readonly site: RegionSite,
    private readonly grants: { readonly key: Uint8Array; readonly clock: Pick<Clock, 'now'> },
  ) {
    this.#publicUrl = site.publicUrl;
    const origins = [site.publicUrl, site.peerUrl, ...Object.values(site.publicUrlFrom ?? {})];
    this.#origins = new Map(origins.filter((origin) => origin !== undefined).map((url) => [new URL(url).host, url]));
  }

  /** For whoever came with a grant, with a new one: an upload may take longer than any grant lives. */
  upload(exchange: Exchange, repository: RepositoryName, id: string): string {
    const url = `${this.#origin(exchange.request)}/v2/${repository}/blobs/uploads/${id}`;
    return this.#withGrant(exchange, repository, 'upload', url);
  }

  blob(exchange: Exchange, repository: RepositoryName, digest: Digest): string {
    return `${this.#origin(exchange.request)}/v2/${repository}/blobs/${digest}`;
  }

  manifest(exchange: Exchange, repository: RepositoryName, digest: Digest): string {
    return `${this.#origin(exchange.request)}/v2/${repository}/manifests/${digest}`;
  }

  /** What another region answered as `Location`, as an address of this one. */
  rewrite(exchange: Exchange, location: string): string {
    const there = new URL(location, this.#publicUrl);
    const here = `${this.#origin(exchange.request)}${there.pathname}${there.search}`;
    const route = parseDistributionPath(there.pathname, 'PUT');
    return route?.kind === 'upload' ? this.#withGrant(exchange, route.repository, 'upload', here) : here;
  }

  /** A `Link` to the next page of a repository's tags: it needs a grant where this one did. */
  nextTags(exchange: Exchange, repository: RepositoryName, link: string): string {
    return link.replace(/<(.*)>/, (_, target: string) => `<${this.#withGrant(exchange, repository, 'tags', target)}>`);
  }

  #withGrant(exchange: Exchange, repository: RepositoryName, kind: 'upload' | 'tags', url: string): string {
    if (!exchange.query.has(GRANT_PARAMETER)) return url;
    const { key, clock } = this.grants;
    const access = kind === 'upload' ? 'push' : 'pull';
    const scope = { access, repository, resource: { kind }, region: this.site.name } as const;
    const grant = issueGrant(key, scope, clock.now(), MAX_GRANT_LIFE_MS);
    return `${url}${url.includes('?') ? '&' : '?'}${GRANT_PARAMETER}=${encodeURIComponent(grant)}`;
  }

  #origin(request: IncomingMessage): string {
    return this.#origins.get((request.headers.host ?? '').toLowerCase()) ?? this.#publicUrl;
  }
}
