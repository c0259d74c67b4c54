import type { GrantAccess } from '#libs/geo';
import { RegistryError } from '#libs/oci';

/** What a client without credentials may do. */
export type AnonymousAccess = 'none' | GrantAccess;

/**
 * Lets a request through, or not. It is decided here because a redirect carries a grant: the region that honours it
 * does not ask again.
 * @throws RegistryError `UNAUTHORIZED` with the challenge that makes a client send credentials
 */
export function requireAccess(access: GrantAccess, anonymous: AnonymousAccess): void {
  const allowed = anonymous === 'push' || (anonymous === 'pull' && access === 'pull');
  if (allowed) return;
  throw new RegistryError('UNAUTHORIZED', undefined, { headers: { 'WWW-Authenticate': 'Basic realm="Meridian"' } });
}
