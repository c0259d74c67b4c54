import { hash } from 'node:crypto';
import { RegistryError } from './registry-error.js';

declare const digestBrand: unique symbol;

/** Content identifier `algorithm:encoded` (image-spec, Descriptors → Digests). Made only by {@link parseDigest}. */
export type Digest = string & { readonly [digestBrand]: 'Digest' };

export type DigestAlgorithm = 'sha256' | 'sha512';

/** Length of the encoded part, in lower-case hexadecimal characters. */
const ENCODED_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

const DIGEST = /^(sha256|sha512):([0-9a-f]+)$/;

/** Longest digest that can be valid: `sha512:` and 128 characters. Checked before any pattern is tried. */
const MAX_LENGTH = 'sha512:'.length + ENCODED_LENGTH.sha512;

/** @throws RegistryError `DIGEST_INVALID` for anything but a well-formed sha256 or sha512 digest. */
export function parseDigest(text: string): Digest {
  const digest = findDigest(text);
  if (digest === undefined) throw new RegistryError('DIGEST_INVALID', { digest: text.slice(0, MAX_LENGTH) });
  return digest;
}

/** The digest that `text` spells, or `undefined` if it spells none. */
export function findDigest(text: string): Digest | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = DIGEST.exec(text);
  const [, algorithm, encoded] = match ?? [];
  if (algorithm === undefined || encoded?.length !== ENCODED_LENGTH[algorithm as DigestAlgorithm]) return undefined;
  return text as Digest;
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm;
}

/** The hexadecimal part. */
export function digestEncoded(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, bytes, 'hex')}` as Digest;
}
