import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestAlgorithm, digestEncoded, digestOf, findDigest, parseDigest } from './digest.js';

const HEX = 'a'.repeat(64);

describe('parseDigest', () => {
  it('reads every digest that is computed', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('sha256' as const, 'sha512' as const), (bytes, algorithm) => {
        const digest = digestOf(bytes, algorithm);
        expect(parseDigest(digest)).toBe(digest);
        expect(digestAlgorithm(digest)).toBe(algorithm);
        expect(`${algorithm}:${digestEncoded(digest)}`).toBe(digest);
      }),
    );
  });

  it.each([
    '',
    HEX,
    'sha256:',
    `sha256:${HEX.slice(1)}`,
    `sha256:${HEX}a`,
    `sha512:${HEX}`,
    `SHA256:${HEX}`,
    `sha256:${HEX.toUpperCase()}`,
    `sha256:${HEX}\n`,
    `sha256:${'a'.repeat(100_000)}`,
    'md5:d41d8cd98f00b204e9800998ecf8427e',
  ])('refuses %.80j', (text) => {
    expect(findDigest(text)).toBeUndefined();
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
  });
});
