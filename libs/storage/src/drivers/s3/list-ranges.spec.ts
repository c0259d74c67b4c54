import { describe, expect, it } from '@jest/globals';
import { listRanges } from './list-ranges.js';

describe('listRanges', () => {
  it.each([
    ['catalog/', undefined, [{ prefix: 'catalog/' }]],
    ['catalog/', 'blobs/x', [{ prefix: 'catalog/' }]],
    ['catalog/', 'tags/x', []],
    ['tags/n/:', 'tags/n/:1', [{ prefix: 'tags/n/:', startAfter: 'tags/n/:1!' }]],
    ['tags/n/:', 'tags/n/:', [{ prefix: 'tags/n/:', startAfter: 'tags/n/:!' }]],
    ['', 'a', [{ prefix: '', startAfter: 'a!' }]],
    [
      'catalog/',
      'catalog/a/b/c',
      [
        { prefix: 'catalog/a/b/', startAfter: 'catalog/a/b/c!' },
        { prefix: 'catalog/a/', startAfter: 'catalog/a/b0' },
        { prefix: 'catalog/', startAfter: 'catalog/a0' },
      ],
    ],
    [
      'catalog/ma',
      'catalog/math/x',
      [
        { prefix: 'catalog/math/', startAfter: 'catalog/math/x!' },
        { prefix: 'catalog/ma', startAfter: 'catalog/math0' },
      ],
    ],
  ])('of %j after %j asks directory by directory, from the innermost on', (prefix, startAfter, expected) => {
    expect(listRanges({ prefix, ...(startAfter !== undefined && { startAfter }) })).toEqual(expected);
  });
});
