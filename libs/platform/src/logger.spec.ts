import { describe, expect, it } from '@jest/globals';
import { createLogger, NestLogger } from './logger.js';

function logTo(lines: string[]) {
  return createLogger({ app: 'registry', region: 'north', level: 'debug' }, { write: (line) => lines.push(line) });
}

describe('the log', () => {
  it('says who speaks, when, and what', () => {
    const lines: string[] = [];
    logTo(lines).info({ bytes: 3 }, 'blob copied');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      app: 'registry',
      region: 'north',
      bytes: 3,
      msg: 'blob copied',
    });
  });

  it.each([
    ['a header', { headers: { authorization: 'Custom s3cr3t' } }, 'm'],
    ['a cookie', { cookie: 'session=s3cr3t' }, 'm'],
    ['a field that is called so', { accessToken: 's3cr3t' }, 'm'],
    ['a secret with quotes in it', { password: 'a"s3cr3t"\\' }, 'm'],
    ['a token in a message', {}, 'refused Bearer s3cr3t.s3cr3t'],
    ['a token in an error', { err: new Error('refused Basic s3cr3ts3cr3t==') }, 'm'],
    ['a presigned URL', { url: 'http://store/data/1?X-Amz-Credential=s3cr3t&X-Amz-Signature=s3cr3t' }, 'm'],
    ['a grant', { url: '/v2/a/manifests/b?meridian-grant=s3cr3t' }, 'm'],
    ['the password in an address', { url: 'redis://user:s3cr3t@host:6379' }, 'm'],
  ])('hides %s', (_name, fields, message) => {
    const lines: string[] = [];
    logTo(lines).info(fields, message);
    expect(lines[0]).not.toContain('s3cr3t');
    expect(() => JSON.parse(lines[0] ?? '')).not.toThrow();
  });

  it('leaves alone what is no secret', () => {
    const lines: string[] = [];
    logTo(lines).info({ url: 'http://host:5000/v2/', tags: 'basic image', keys: 2 }, 'basic things bear');
    expect(lines[0]).not.toContain('hidden');
  });

  it.each([
    ['log', 'debug'],
    ['warn', 'warn'],
    ['error', 'error'],
    ['fatal', 'fatal'],
  ] as const)("takes Nest's %s as %s", (method, level) => {
    const lines: string[] = [];
    new NestLogger(logTo(lines))[method]('words', 'Router');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level, msg: 'words', source: 'Router' });
  });
});
