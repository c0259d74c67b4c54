import type { IncomingHttpHeaders } from 'node:http';
import { MIN_SEQUENCE_HEADER, type RegionSite, WRITE_CONCERN_HEADER } from '#libs/geo';

/** Marks what was passed on once already: such a request is never passed on again (T3). */
export const HOP_HEADER = 'meridian-hop';

type Headers = Record<string, string | string[]>;

/** Of one connection, not of the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a client says about the way it came, or about us: a region believes it of nobody, so it is not passed on. */
const CLAIMS = /^(?:host|expect|forwarded|x-forwarded-.*|x-real-ip|x-meridian-.*|meridian-.*)$/;

/** What a client asks of us, and means for the region that will do it. */
const WISHES: ReadonlySet<string> = new Set([MIN_SEQUENCE_HEADER, WRITE_CONCERN_HEADER]);

/** The headers of a request as a region should see them. */
export function requestHeaders(headers: IncomingHttpHeaders, hasBody: boolean): Headers {
  const isClaim = (name: string): boolean => CLAIMS.test(name) && !WISHES.has(name);
  const kept = endToEnd(headers, (name) => !isClaim(name) && (hasBody || name !== 'content-length'));
  return { ...kept, [HOP_HEADER]: '1' };
}

/** The headers of a region's answer as a client should see them: nothing in them leads to the internal address. */
export function responseHeaders(headers: IncomingHttpHeaders, site: RegionSite): Headers {
  const kept = endToEnd(headers, () => true);
  for (const name of ['location', 'link']) {
    const value = kept[name];
    if (typeof value === 'string') kept[name] = withoutOrigin(value, [site.peerUrl, site.publicUrl]);
  }
  return { ...kept, 'meridian-region': site.name };
}

/** `Location`, or the `<…>` of a `Link`: what began with one of the region's own origins is relative to us. */
function withoutOrigin(value: string, origins: readonly string[]): string {
  const bracket = value.startsWith('<') ? '<' : '';
  const address = value.slice(bracket.length);
  const origin = origins.find((candidate) => address.startsWith(`${candidate}/`));
  return origin === undefined ? value : `${bracket}${address.slice(origin.length)}`;
}

function endToEnd(headers: IncomingHttpHeaders, keep: (name: string) => boolean): Headers {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named.has(name) && keep(name)) kept[name] = value;
  }
  return kept;
}
