import type { IncomingMessage } from 'node:http';
import type { GrantAccess } from '#libs/geo';
import { isWellFormedAuthorization } from '#libs/http';
import { RegistryError } from '#libs/oci';

/** What a client without credentials may do. */
export type AnonymousAccess = 'none' | GrantAccess;

/**
 * Lets a request through, or not. It is decided here because a redirect carries a grant: the region that honours it
 * does not ask again.
 * @throws RegistryError `UNAUTHORIZED` with the challenge that makes a client send credentials
 */
export function requireAccess(request: IncomingMessage, access: GrantAccess, anonymous: AnonymousAccess): void {
  const allowed = anonymous === 'push' || (anonymous === 'pull' && access === 'pull');
  if (allowed && isWellFormedAuthorization(request)) return;
  throw new RegistryError('UNAUTHORIZED', undefined, { headers: { 'WWW-Authenticate': 'Basic realm="Meridian"' } });
}
