import { describe, expect, it } from '@jest/globals';
import { deriveClusterKey } from './cluster-key.js';
import { parseRegionName } from './region.js';
import { issueRegionToken, REGION_TOKEN_LIFE_MS, type TokenSubject, verifyRegionToken } from './region-token.js';
import { signToken } from './signed-token.js';

const key = deriveClusterKey(new Uint8Array(32).fill(1), 'region-token');
const NOW = 1_700_000_000_000;
const clock = { now: () => NOW };

describe('a region token', () => {
  it.each<TokenSubject>([{ kind: 'region', name: parseRegionName('eu') }, { kind: 'router' }])(
    'says who speaks, for a short time: %j',
    (subject) => {
      const token = issueRegionToken(key, subject, clock);
      expect(verifyRegionToken(key, token, NOW)).toEqual(subject);
      expect(verifyRegionToken(key, token, NOW + REGION_TOKEN_LIFE_MS)).toBeUndefined();
    },
  );

  it.each([
    ['a longer life than allowed', { exp: NOW + 5 * 60_000 + 1, sub: 'router' }],
    ['no subject', { exp: NOW + 1 }],
    ['an unknown subject', { exp: NOW + 1, sub: 'admin' }],
    ['a region without a name', { exp: NOW + 1, sub: 'region' }],
    ['a region whose name is none', { exp: NOW + 1, sub: 'region', name: '../eu' }],
  ])('with %s is refused', (_what, payload) => {
    expect(verifyRegionToken(key, signToken(key, payload), NOW)).toBeUndefined();
  });
});
