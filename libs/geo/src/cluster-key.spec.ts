import { describe, expect, it } from '@jest/globals';
import { deriveClusterKey } from './cluster-key.js';

const secret = new Uint8Array(32).fill(7);

describe('deriveClusterKey', () => {
  it('gives every purpose a key of its own', () => {
    expect(deriveClusterKey(secret, 'grant')).not.toEqual(deriveClusterKey(secret, 'region-token'));
  });

  it('gives the same key everywhere in the cluster, and another one in another cluster', () => {
    expect(deriveClusterKey(secret, 'grant')).toEqual(deriveClusterKey(Uint8Array.from(secret), 'grant'));
    expect(deriveClusterKey(secret, 'grant')).not.toEqual(deriveClusterKey(new Uint8Array(32), 'grant'));
  });

  it('refuses a secret that is too short to keep', () => {
    expect(() => deriveClusterKey(new Uint8Array(31), 'grant')).toThrow(RangeError);
  });
});
