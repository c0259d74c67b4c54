import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_TOKEN_LENGTH, openToken, readToken, signToken } from './signed-token.js';

const key = new Uint8Array(32).fill(1);
const otherKey = new Uint8Array(32).fill(2);

function signText(signed: string): string {
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

describe('a signed token', () => {
  it('opens to what was signed, until it expires', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 100, unit: 'grapheme' }),
        fc.integer({ min: 1, max: 2 ** 50 }),
        (word, exp) => {
          const token = signToken(key, { exp, word });
          expect(openToken(key, token, exp - 1)).toEqual({ exp, word });
          expect(openToken(key, token, exp)).toBeUndefined();
        },
      ),
    );
  });

  it('opens with no other key', () => {
    expect(openToken(otherKey, signToken(key, { exp: 10 }), 0)).toBeUndefined();
  });

  it('is worth nothing when any of its characters changed', () => {
    const token = signToken(key, { exp: 1_000, word: 'meridian' });
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(token[at] !== character);
        expect(openToken(key, `${token.slice(0, at)}${character}${token.slice(at + 1)}`, 0)).toBeUndefined();
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(openToken(key, text, 0)).toBeUndefined()));
  });

  const payload = Buffer.from(JSON.stringify({ exp: 10 })).toString('base64url');
  const mac = (signed: string) => signText(signed).slice(signed.length + 1);
  it.each([
    ['another version', signText(`2.${payload}`)],
    ['no version', signText(payload)],
    ['a part too many', `${signText(`1.${payload}`)}.x`],
    ['padding behind the payload', signText(`1.${payload}==`)],
    ['padding behind the mac', `1.${payload}.${mac(`1.${payload}`)}=`],
    ['no expiry', signText(`1.${Buffer.from('{}').toString('base64url')}`)],
    ['an expiry that is no number', signText(`1.${Buffer.from('{"exp":"9999"}').toString('base64url')}`)],
    ['JSON that is no object', signText(`1.${Buffer.from('null').toString('base64url')}`)],
    ['no JSON', signText(`1.${Buffer.from('{').toString('base64url')}`)],
    ['an empty payload', signText('1.')],
    [
      'more than the longest token',
      signText(`1.${Buffer.from(`{"exp":10,"a":"${'a'.repeat(900)}"}`).toString('base64url')}`),
    ],
  ])('is refused with %s, even if the key is right', (_what, text) => {
    expect(readToken(key, text)).toBeUndefined();
  });

  it('cannot be made longer than others would read', () => {
    expect(() => signToken(key, { exp: 1, word: 'a'.repeat(MAX_TOKEN_LENGTH) })).toThrow(RangeError);
  });
});
