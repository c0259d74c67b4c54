import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a token says. `exp`: milliseconds since the epoch, the first instant at which it is worth nothing. */
export interface SignedPayload {
  readonly exp: number;
  readonly [claim: string]: unknown;
}

/** Room for the longest repository name, digest and region; anything longer is refused before it is looked at. */
export const MAX_TOKEN_LENGTH = 1_024;

/** Stands before the payload and is signed with it, so a text of another version can never be read as this one. */
const VERSION = '1';

const BASE64URL = /^[A-Za-z0-9_-]+$/;

/**
 * `<version>.<payload>.<mac>`: JSON in base64url and its HMAC-SHA256.
 * @throws RangeError when the payload does not fit into {@link MAX_TOKEN_LENGTH}
 */
export function signToken(key: Uint8Array, payload: SignedPayload): string {
  const signed = `${VERSION}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
  const token = `${signed}.${macOf(key, signed).toString('base64url')}`;
  if (token.length > MAX_TOKEN_LENGTH) throw new RangeError('too much for one token');
  return token;
}

/** What a token says, if this key signed it and it has not expired; `undefined` for every other text. */
export function openToken(key: Uint8Array, text: string, nowMs: number): SignedPayload | undefined {
  const payload = readToken(key, text);
  return payload !== undefined && nowMs < payload.exp ? payload : undefined;
}

/** As {@link openToken}, expired or not: for those who have to say why they refuse. */
export function readToken(key: Uint8Array, text: string): SignedPayload | undefined {
  if (text.length > MAX_TOKEN_LENGTH) return undefined;
  const [version, payload, mac, ...rest] = text.split('.');
  if (version !== VERSION || payload === undefined || mac === undefined || rest.length > 0) return undefined;
  const claimed = decodeCanonical(mac);
  const actual = macOf(key, `${version}.${payload}`);
  if (claimed?.length !== actual.length || !timingSafeEqual(claimed, actual)) return undefined;
  return parsePayload(decodeCanonical(payload));
}

function macOf(key: Uint8Array, signed: string): Buffer {
  return createHmac('sha256', key).update(signed).digest();
}

/** One value has one spelling: Node's decoder alone would also take padding, `+/` and stray trailing bits. */
function decodeCanonical(text: string): Buffer | undefined {
  if (!BASE64URL.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

function parsePayload(bytes: Buffer | undefined): SignedPayload | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isPayload(value) ? value : undefined;
  } catch {
    return undefined; // signed, so ours, but not JSON: of no use to anybody
  }
}

function isPayload(value: unknown): value is SignedPayload {
  return typeof value === 'object' && value !== null && 'exp' in value && Number.isSafeInteger(value.exp);
}
