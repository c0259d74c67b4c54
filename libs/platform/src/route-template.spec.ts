import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { routeTemplate } from './route-template.js';

const digest = `sha256:${'a'.repeat(64)}`;

describe('routeTemplate', () => {
  it.each([
    ['/v2/', '/v2/'],
    ['/v2/_catalog', '/v2/_catalog'],
    ['/v2/a/b/tags/list', '/v2/{name}/tags/list'],
    ['/v2/a/manifests/latest', '/v2/{name}/manifests/{reference}'],
    [`/v2/a/blobs/${digest}`, '/v2/{name}/blobs/{digest}'],
    ['/v2/UPPER/manifests/latest', '/v2/*'],
    ['/v2/nothing', '/v2/*'],
    ['/_meridian/journal', '/_meridian/*'],
    ['/favicon.ico', '*'],
  ])('calls %s %s', (path, template) => {
    expect(routeTemplate('GET', path)).toBe(template);
  });

  it('has few names, whatever clients send', () => {
    const names = new Set<string>();
    fc.assert(fc.property(fc.webPath(), (path) => void names.add(routeTemplate('GET', `/v2${path}`))));
    expect(names.size).toBeLessThan(10);
  });
});
