import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileGlob, parseGlob } from './glob.js';

const matches = (pattern: string, name: string): boolean => compileGlob(parseGlob(pattern))(name);

describe('a glob', () => {
  it.each([
    ['**', 'team/app', true],
    ['team/*', 'team/app', true],
    ['team/*', 'team/app/web', false],
    ['team/*', 'team', false],
    ['team/**', 'team/app/web', true],
    ['team/**', 'teams/app', false],
    ['**/web', 'team/app/web', true],
    ['team/*/web', 'team/app/web', true],
    ['team/*/web', 'team/a/b/web', false],
    ['v1.*', 'v1.2', true],
    ['v1.*', 'v102', false],
    ['*-dev', 'a-dev-dev', true],
    ['a*b*c', 'abbbc', true],
    ['a*b*c', 'abbbd', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  it.each([[''], ['a b'], ['a{b,c}'], ['a***'], ['[ab]'], ['a'.repeat(256)]])('%j is none', (pattern) => {
    expect(() => parseGlob(pattern)).toThrow(TypeError);
  });

  it('says the same as the regular expression that it stands for', () => {
    const characters = (...all: string[]) => fc.array(fc.constantFrom(...all), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(characters('a', 'b', '/', '*', '**'), characters('a', 'b', '/'), (parts, name) => {
        const pattern = parts.join('').replaceAll(/\*{3,}/g, '**');
        const expression = pattern.replaceAll(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
        expect(matches(pattern, name.join(''))).toBe(new RegExp(`^${expression}$`).test(name.join('')));
      }),
    );
  });

  it('does not take long for a pattern that makes others try everything', () => {
    const name = 'a'.repeat(255);
    expect(matches(`${'a*'.repeat(120)}b`, name)).toBe(false);
  });
});
