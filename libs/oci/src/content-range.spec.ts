import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseContentRange } from './content-range.js';
import { RegistryError } from './registry-error.js';

describe('parseContentRange', () => {
  it.each(['0-99', 'bytes 0-99', 'bytes=0-99', 'bytes 0-99/*', 'bytes 0-99/100'])('reads %s', (header) => {
    expect(parseContentRange(header)).toEqual({ start: 0, end: 99 });
  });

  it.each([
    ['5-3', 416],
    ['a-b', 400],
    ['', 400],
    ['-', 400],
    ['0-', 400],
    ['-5', 400],
    ['0-1,2-3', 400],
    ['0 - 1', 400],
    ['0-9007199254740993', 400],
    [`0-${'9'.repeat(400)}`, 400],
  ])('refuses %s with %i', (header, status) => {
    expect(() => parseContentRange(header)).toThrow(expect.objectContaining({ code: 'BLOB_UPLOAD_INVALID', status }));
  });

  it('reads what was written, and throws nothing but RegistryError', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [start, end] = a < b ? [a, b] : [b, a];
        expect(parseContentRange(`${start}-${end}`)).toEqual({ start, end });
      }),
    );
    fc.assert(
      fc.property(fc.string(), (header) => {
        try {
          parseContentRange(header);
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
    );
  });
});
