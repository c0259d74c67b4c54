import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseByteRange } from './byte-range.js';

const WHOLE = { kind: 'whole' };
const UNSATISFIABLE = { kind: 'unsatisfiable' };

describe('parseByteRange', () => {
  it.each([
    ['bytes=0-', 0, 9],
    ['bytes=5-', 5, 9],
    ['bytes=-3', 7, 9],
    ['bytes=-30', 0, 9],
    ['bytes=4-4', 4, 4],
    ['bytes=0-9', 0, 9],
    ['bytes=2-999999', 2, 9],
    [`bytes=2-${'9'.repeat(400)}`, 2, 9],
    ['Bytes= 1-2 ', 1, 2],
  ])('%s of 10 bytes is %i to %i', (header, start, end) => {
    expect(parseByteRange(header, 10)).toEqual({ kind: 'range', start, end });
  });

  it.each(['bytes=10-', 'bytes=999999-', 'bytes=10-12', 'bytes=-0', `bytes=${'9'.repeat(400)}-`])(
    'cannot satisfy %s of 10 bytes',
    (header) => expect(parseByteRange(header, 10)).toEqual(UNSATISFIABLE),
  );

  it.each([
    undefined,
    '',
    'bytes=9-5',
    'bytes=-',
    'bytes=0-0,5-9',
    `bytes=${'0-0,'.repeat(1000)}1-1`,
    'bytes=a-b',
    'bytes 0-5',
    'items=0-5',
    'bytes=1-2-3',
    'bytes=+1-2',
    'bytes=1.0-2',
  ])('answers %s with everything', (header) => expect(parseByteRange(header, 10)).toEqual(WHOLE));

  it.each(['bytes=0-', 'bytes=-1', 'bytes=0-0'])('answers %s of nothing with nothing', (header) => {
    expect(parseByteRange(header, 0)).toEqual(WHOLE);
  });

  it('only ever gives ranges that lie within the content', () => {
    const headers = fc.oneof(
      fc.string(),
      fc.stringMatching(/^bytes=[0-9]{0,3}-[0-9]{0,3}$/),
      fc.string().map((text) => `bytes=${text}`),
    );
    fc.assert(
      fc.property(headers, fc.nat(200), (header, size) => {
        const range = parseByteRange(header, size);
        if (range.kind !== 'range') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThanOrEqual(range.start);
        expect(range.end).toBeLessThan(size);
      }),
    );
  });
});
