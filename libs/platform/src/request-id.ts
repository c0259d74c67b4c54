import type { IncomingMessage } from 'node:http';
import type { Random } from '#libs/resilience';

/** Nothing that could break a line of a log, or a header, and not longer than ids are. */
const SANE = /^[A-Za-z0-9._-]{1,128}$/;

/** The id that a proxy before us has given, so that its log and ours can be read together; else a new one. */
export function requestIdOf(request: IncomingMessage, random: Random): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) ? given : random.uuid();
}
