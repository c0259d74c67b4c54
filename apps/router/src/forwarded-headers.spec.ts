import { describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { requestHeaders, responseHeaders } from './forwarded-headers.js';

const site = {
  name: parseRegionName('eu'),
  role: 'primary',
  publicUrl: 'https://eu.registry.test',
  peerUrl: 'http://10.0.0.5:5000',
} as const;

describe('headers that are passed on', () => {
  it('lose what belongs to one connection, and what a client claims of its way', () => {
    const headers = {
      connection: 'keep-alive, X-Private',
      'x-private': '1',
      'transfer-encoding': 'chunked',
      'proxy-authorization': 'Basic x',
      host: 'registry.test',
      forwarded: 'for=1.2.3.4',
      'x-forwarded-host': 'evil.test',
      'x-real-ip': '1.2.3.4',
      'x-meridian-region': 'eu',
      'meridian-sequence': '9',
      accept: 'text/plain',
      'content-length': '0',
    };
    expect(requestHeaders(headers, false)).toEqual({ accept: 'text/plain', 'meridian-hop': '1' });
    const wishes = { 'meridian-min-sequence': '5', 'meridian-write-concern': 'all' };
    expect(requestHeaders(wishes, true)).toEqual({ ...wishes, 'meridian-hop': '1' });
    expect(requestHeaders({ 'content-length': '5' }, true)).toEqual({ 'content-length': '5', 'meridian-hop': '1' });
  });

  it.each([
    ['http://10.0.0.5:5000/v2/a/blobs/x?y=1', '/v2/a/blobs/x?y=1'],
    ['https://eu.registry.test/v2/a', '/v2/a'],
    ['https://eu.registry.test.evil/v2/a', 'https://eu.registry.test.evil/v2/a'],
    ['http://store.test/data/x?signature=y', 'http://store.test/data/x?signature=y'],
    ['/v2/a', '/v2/a'],
  ])('turn Location %s into %s', (location, expected) => {
    expect(responseHeaders({ location }, site)).toEqual({ location: expected, 'meridian-region': 'eu' });
  });

  it('turn a Link into one that leads back here', () => {
    const link = '<http://10.0.0.5:5000/v2/a/tags/list?last=b>; rel="next"';
    expect(responseHeaders({ link }, site)).toMatchObject({ link: '</v2/a/tags/list?last=b>; rel="next"' });
  });
});
