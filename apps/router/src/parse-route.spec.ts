import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, RegistryError } from '#libs/oci';
import { parseRoute } from './parse-route.js';

const digest = digestOf('content');
const session = '0b8f7f0e-2a3c-4d5e-8f90-a1b2c3d4e5f6';

function codeOf(method: string, target: string): string {
  try {
    parseRoute(method, target);
    return 'none';
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return error.code;
  }
}

describe('parseRoute', () => {
  it.each([
    ['GET', '/v2/a/b/manifests/v1', 'a/b', 'pull', 'manifest'],
    ['HEAD', `/v2/a/manifests/${digest}?x=y`, 'a', 'pull', 'manifest'],
    ['PUT', '/v2/a/manifests/v1', 'a', 'push', 'manifest'],
    ['DELETE', `/v2/a/manifests/${digest}`, 'a', 'push', 'manifest'],
    ['GET', `/v2/a/blobs/${digest.replace(':', '%3A')}`, 'a', 'pull', 'blob'],
    ['DELETE', `/v2/a/blobs/${digest}`, 'a', 'push', 'blob'],
    ['POST', '/v2/a/blobs/uploads/', 'a', 'push', 'upload'],
    ['POST', '/v2/a/blobs/uploads/?mount=x', 'a', 'push', 'upload'],
    ['GET', `/v2/a/blobs/uploads/${session}`, 'a', 'push', 'upload'],
    ['PATCH', `/v2/a/blobs/uploads/${session}?state=1`, 'a', 'push', 'upload'],
    ['GET', '/v2/a/tags/list?n=5', 'a', 'pull', 'tags'],
    ['GET', `/v2/a/referrers/${digest}`, 'a', 'pull', 'referrers'],
    ['GET', '/v2/a/manifests/b/manifests/c', 'a/manifests/b', 'pull', 'manifest'],
  ])('%s %s', (method, target, repository, access, kind) => {
    expect(parseRoute(method, target)).toMatchObject({ kind: 'repository', repository, access, resource: { kind } });
  });

  it.each([
    ['GET', '/v2', 'NOT_FOUND'],
    ['GET', '/v1/', 'NOT_FOUND'],
    ['GET', 'http://evil.test/v2/', 'NOT_FOUND'],
    ['GET', '/v2/a/unknown/b', 'NOT_FOUND'],
    ['GET', '/v2/..//evil.test/manifests/v1', 'NAME_INVALID'],
    ['GET', '/v2/a%2fb/manifests/v1', 'NAME_INVALID'],
    ['GET', '/v2/\u00e9/manifests/v1', 'NAME_INVALID'],
    ['GET', `/v2/a/manifests/v1?${'x'.repeat(9_000)}`, 'NAME_INVALID'],
    ['GET', '/v2/a/blobs/sha256:xyz', 'DIGEST_INVALID'],
    ['GET', '/v2/a/manifests/.x', 'MANIFEST_UNKNOWN'],
    ['PUT', '/v2/a/manifests/.x', 'MANIFEST_INVALID'],
    ['PATCH', '/v2/a/blobs/uploads/none', 'BLOB_UPLOAD_UNKNOWN'],
    ['POST', '/v2/a/manifests/v1', 'UNSUPPORTED'],
    ['PUT', '/v2/a/tags/list', 'UNSUPPORTED'],
    ['PROPFIND', '/v2/', 'UNSUPPORTED'],
  ])('%s %s is %s', (method, target, code) => {
    expect(codeOf(method, target)).toBe(code);
  });

  it('never throws anything but a RegistryError', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('a', 'manifests', 'blobs', 'uploads', 'tags', 'list', digest, ''),
    );
    fc.assert(
      fc.property(fc.constantFrom('GET', 'PUT', 'POST'), fc.array(part, { maxLength: 6 }), (method, parts) => {
        expect(typeof codeOf(method, `/v2/${parts.join('/')}`)).toBe('string');
      }),
    );
  });
});
