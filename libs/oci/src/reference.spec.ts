import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from './digest.js';
import { findTag, formatReference, parseReference, parseRepositoryName } from './reference.js';
import { RegistryError } from './registry-error.js';

describe('parseRepositoryName', () => {
  it.each(['a', 'a/b/c', 'a.b', 'a_b', 'a__b', 'a---b', '0', 'a'.repeat(255), 'a/manifests/b', 'v2'])(
    'accepts %.40s',
    (name) => expect(parseRepositoryName(name)).toBe(name),
  );

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A',
    '-a',
    'a-',
    'a..b',
    'a___b',
    'a._b',
    '.',
    '..',
    'a b',
    'é',
    'a\n',
    'a'.repeat(256),
  ])('refuses %.40j', (name) => {
    expect(() => parseRepositoryName(name)).toThrow(expect.objectContaining({ code: 'NAME_INVALID', status: 400 }));
  });
});

describe('parseReference', () => {
  it.each(['latest', '1.0_x-Y', '_x', 'x'.repeat(128)])('takes %.40s for a tag', (text) => {
    expect(parseReference(text)).toEqual({ kind: 'tag', tag: text });
  });

  it('takes whatever has a colon for a digest', () => {
    expect(parseReference(digestOf('x'))).toEqual({ kind: 'digest', digest: digestOf('x') });
    expect(() => parseReference('a:b')).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
  });

  it.each(['', '.x', '-x', 'x'.repeat(129), 'a/b', 'a\n', 'é'])('refuses the tag %.40j', (text) => {
    expect(findTag(text)).toBeUndefined();
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
  });

  it('writes back what it read, and throws nothing but RegistryError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\w[\w.-]{0,10}$/)), (text) => {
        try {
          expect(formatReference(parseReference(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
    );
  });
});
