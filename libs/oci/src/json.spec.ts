import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_JSON_DEPTH, parseStrictJson } from './json.js';
import { RegistryError } from './registry-error.js';

const parse = (text: string) => parseStrictJson(Buffer.from(text));
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('parseStrictJson', () => {
  it('reads what JSON.stringify writes, whatever the spacing', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (json, indent) => {
        fc.pre(!json.includes('__proto__'));
        const value: unknown = JSON.parse(json);
        expect(parse(JSON.stringify(value, undefined, indent))).toEqual(value);
      }),
    );
  });

  it.each([
    '{"a":1,"a":2}',
    String.raw`{"a":1,"\u0061":2}`,
    '{"x":[{"digest":1,"size":2,"digest" : 1}]}',
    '{"__proto__":{}}',
    String.raw`{"a":{"\u005f_proto__":1}}`,
    nested(MAX_JSON_DEPTH + 1),
    '['.repeat(100_000),
    '{"a":'.repeat(100_000),
    '\ufeff{}',
    '',
    ' ',
    '{"a":1',
    '{"a',
    '{"a\\',
    String.raw`{"\x":1}`,
    '{"a":1}}',
    '{} {}',
    '{a:1}',
    '[1,]',
    '01',
    'NaN',
    '"a\nb"',
  ])('refuses %.60s', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID', status: 400 }));
  });

  it.each([
    nested(MAX_JSON_DEPTH),
    '[{"a":1},{"a":1}]',
    '{"a":{"a":{"a":"a"}}}',
    '["a","a"]',
    String.raw`{"a\"":1,"a":"\":{[","b":"\\"}`,
    '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  ])('accepts %.60s', (text) => expect(parse(text)).toEqual(JSON.parse(text)));

  it.each([[[0x22, 0xff, 0x22]], [[0x22, 0xc0, 0xae, 0x22]], [[0x22, 0xed, 0xa0, 0x80, 0x22]], [[0x22, 0xe2, 0x82]]])(
    'refuses bytes that are no UTF-8: %j',
    (bytes) => {
      expect(() => parseStrictJson(Uint8Array.from(bytes))).toThrow(RegistryError);
    },
  );

  it('throws nothing but RegistryError', () => {
    const jsonLike = fc
      .array(fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'a', '1', ' ', '"a"', '{}', 'null'))
      .map((tokens) => Buffer.from(tokens.join('')));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), jsonLike), (bytes) => {
        try {
          parseStrictJson(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
