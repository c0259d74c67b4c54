import type { IncomingMessage } from 'node:http';

const BASIC = /^Basic ([A-Za-z0-9+/]+={0,2})$/i;
const BEARER = /^Bearer [A-Za-z0-9\-._~+/]+=*$/i;

/**
 * Whether a client's `Authorization` is absent, or at least what its scheme says it must be (RFC 7617, RFC 6750). Where
 * everybody may do what is asked, clients that log in everywhere must not be turned away, but nonsense must be.
 */
export function isWellFormedAuthorization(request: IncomingMessage): boolean {
  const values = valuesOf(request, 'authorization');
  const [value] = values;
  if (value === undefined) return true;
  return values.length === 1 && (BEARER.test(value) || isBasic(value));
}

function isBasic(value: string): boolean {
  const [, encoded] = BASIC.exec(value) ?? [];
  if (encoded === undefined) return false;
  const credentials = Buffer.from(encoded, 'base64').toString('utf8');
  return credentials.includes(':') && !hasControlCharacter(credentials);
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}

/** Node keeps the first of two such headers and says nothing of the other. */
function valuesOf(request: IncomingMessage, name: string): readonly string[] {
  const { rawHeaders } = request;
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
