import { describe, expect, it } from '@jest/globals';
import { describeStartError } from './start-error.js';

describe('describeStartError', () => {
  it.each([
    [
      { code: 'EADDRINUSE', port: 80, address: '::' },
      'port 80 of :: is in use by another process: stop it, or set another port',
    ],
    [{ code: 'EACCES', port: 80, address: '::' }, 'port 80 of :: may not be used: ports below 1024 need privileges'],
    [
      { code: 'EADDRNOTAVAIL', port: 80, address: '10.0.0.1' },
      'port 80 of 10.0.0.1 cannot be used: this host does not have that address',
    ],
    [{ code: 'EACCES' }, 'native words'],
    [{}, 'native words'],
  ])('says of %j: %s', (fields, line) => {
    expect(describeStartError(Object.assign(new Error('native words'), fields))).toBe(line);
  });

  it('says what was thrown, if it is no error', () => {
    expect(describeStartError('tired')).toBe('tired');
  });
});
