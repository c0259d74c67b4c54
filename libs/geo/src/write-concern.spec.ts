import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RegistryError } from '#libs/oci';
import { parseRegionName } from './region.js';
import { parseMinSequence } from './sequence-token.js';
import { parseWriteConcern } from './write-concern.js';

const [east, west, south] = ['east', 'west', 'south'].map(parseRegionName);
const known = ['east', 'west', 'south'].map(parseRegionName);

describe('a write concern', () => {
  it.each([
    ['all', known, 3, 30_000],
    ['majority', known, 2, 30_000],
    ['all; timeout=5s', known, 3, 5_000],
    ['majority;timeout=250ms', known, 2, 250],
    ['regions=west; timeout=2m', [west], 1, 120_000],
    ['regions=west,east; timeout=0', [east, west], 2, 0],
    ['regions=south, south', [south], 1, 30_000],
  ])('%s', (text, regions, enough, limitMs) => {
    expect(parseWriteConcern(text, known)).toEqual({ regions, enough, limitMs, excused: text.startsWith('all') });
  });

  it.each([
    ['', /begins with/],
    ['most', /begins with/],
    ['regions=', /begins with/],
    ['regions=north', /no such region: north; there are east, west, south/],
    ['regions=west,', /no such region/],
    ['all; timeout=soon', /timeout=30s/],
    ['all; timeout=301s', /longer than 300s/],
    ['all; timeout=1s; timeout=2s', /one parameter/],
    ['all, majority', /begins with/],
  ])('%j is refused with 400', (text, sentence) => {
    expect(() => parseWriteConcern(text, known)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', status: 400, message: expect.stringMatching(sentence) }),
    );
  });

  it('never throws anything else, and never asks for more regions than it names', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const { regions, enough } = parseWriteConcern(text, known);
          expect(enough).toBeLessThanOrEqual(regions.length);
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
    );
  });
});

describe('the least sequence of a read', () => {
  it.each([
    [undefined, undefined],
    ['0', 0],
    ['42', 42],
  ])('%s is %s', (value, seq) => {
    expect(parseMinSequence(value)).toBe(seq);
  });

  it.each(['', '-1', '1.5', 'x', '1, 2', '0x10', '9999999999999999', '12345678901234567'])('%j is refused', (value) => {
    expect(() => parseMinSequence(value)).toThrow(expect.objectContaining({ status: 400, code: 'UNSUPPORTED' }));
  });
});
