import { describe, expect, it } from '@jest/globals';
import { parseNetwork } from './network.js';

describe('parseNetwork', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::/32', '10.0.0.1', false],
    ['10.0.0.0/8', 'localhost', false],
    ['10.0.0.0/8', '', false],
  ])('%s and %s: %s', (cidr, address, contained) => {
    expect(parseNetwork(cidr).contains(address)).toBe(contained);
  });

  it.each(['', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.0/-1', 'eu', '10.0.0.0/0x8'])(
    'refuses %j',
    (cidr) => {
      expect(() => parseNetwork(cidr)).toThrow(TypeError);
    },
  );
});
