import {
  GRANT_PARAMETER,
  type GrantScope,
  issueGrant,
  MAX_GRANT_LIFE_MS,
  type RegionName,
  type RegionSite,
} from '#libs/geo';
import type { Clock } from '#libs/resilience';

/** Request targets for other regions, with the grant that lets their sender in. */
export class GrantedTargets {
  constructor(
    private readonly key: Uint8Array,
    private readonly lifeMs: number,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** The same path and query, with a grant of `scope`. A grant that the client brought along is left out. */
  target(original: string, scope: GrantScope): string {
    // An upload goes on at the region that began it, and the bytes in between may take their time.
    const lifeMs = scope.resource.kind === 'upload' ? MAX_GRANT_LIFE_MS : this.lifeMs;
    const grant = `${GRANT_PARAMETER}=${issueGrant(this.key, scope, this.clock.now(), lifeMs)}`;
    const [path = '', query = ''] = splitOnce(original);
    const parameters = query.split('&').filter((part) => part !== '' && !part.startsWith(`${GRANT_PARAMETER}=`));
    return `${path}?${[...parameters, grant].join('&')}`;
  }
}

/** Where clients of one region reach another: from configuration alone, whatever a request's headers say (T7). */
export function publicOrigin(site: RegionSite, client: RegionName): string {
  return site.publicUrlFrom?.[client] ?? site.publicUrl;
}

function splitOnce(target: string): readonly string[] {
  const at = target.indexOf('?');
  return at === -1 ? [target] : [target.slice(0, at), target.slice(at + 1)];
}
