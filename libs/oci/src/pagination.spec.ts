import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_PAGE_LENGTH, nextLink, parsePageRequest } from './pagination.js';

const parse = (query: string) => parsePageRequest(new URLSearchParams(query));

describe('parsePageRequest', () => {
  it.each([
    ['', { limit: MAX_PAGE_LENGTH }],
    ['n=0', { limit: 0 }],
    ['n=5', { limit: 5 }],
    ['n=1000000000', { limit: MAX_PAGE_LENGTH }],
    [`n=${'9'.repeat(400)}`, { limit: MAX_PAGE_LENGTH }],
    ['n=5&last=a%2Fb', { limit: 5, last: 'a/b' }],
    ['last=../../x', { limit: MAX_PAGE_LENGTH, last: '../../x' }],
    ['last=', { limit: MAX_PAGE_LENGTH }],
  ])('reads ?%s', (query, expected) => expect(parse(query)).toEqual(expected));

  it.each(['n=-1', 'n=abc', 'n=', 'n=1.5', 'n=0x10', 'n=%001', 'last=%00', `last=${'a'.repeat(8192)}`])(
    'refuses ?%s',
    (query) => {
      expect(() => parse(query)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', status: 400 }));
    },
  );
});

describe('nextLink', () => {
  it('says where the next page is', () => {
    expect(nextLink('/v2/a/b/tags/list', 2, 'v1')).toBe('</v2/a/b/tags/list?n=2&last=v1>; rel="next"');
  });

  it('leads back to the same place whatever the last item was', () => {
    const lasts = fc.string({ minLength: 1, maxLength: 100 }).filter((text) => !/\p{Cc}/u.test(text));
    fc.assert(
      fc.property(lasts, fc.nat(MAX_PAGE_LENGTH), (last, n) => {
        const link = nextLink('/v2/_catalog', n, last);
        const [, target = ''] = /^<([^<>"\s]+)>; rel="next"$/.exec(link) ?? [];
        expect(parsePageRequest(new URL(target, 'http://registry.test').searchParams)).toEqual({ limit: n, last });
      }),
    );
  });
});
