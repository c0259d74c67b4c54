import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readSecret } from './secret.js';

const SECRET = '0123456789abcdef0123456789abcdef';

describe('readSecret', () => {
  let directory: string;
  let file: string;
  let warnings: string[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'meridian-secret-'));
    file = join(directory, 'key');
    warnings = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function read(content: string, mode = 0o600): string {
    writeFileSync(file, content);
    chmodSync(file, mode);
    const warn = (warning: string) => warnings.push(warning.replace(file, 'FILE'));
    return readSecret(file, { setting: 'clusterKeyFile', minBytes: 32, warn }).toString();
  }

  it.each([SECRET, `${SECRET}\n`, `${SECRET}\r\n`, `${SECRET}\n\n`])('reads %j without its line ends', (content) => {
    expect(read(content)).toBe(SECRET);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['', 'is empty: it must hold a secret'],
    ['\n', 'is empty: it must hold a secret'],
    ['minioadmin\n', 'holds a well-known example: make a secret of your own'],
    ['changeme-changeme-changeme-changeme', 'holds a well-known example: make a secret of your own'],
    ['wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'holds a well-known example: make a secret of your own'],
    ['0'.repeat(64), 'holds one character over and over: make a secret of your own'],
    ['short', 'holds 5 bytes: at least 32 are needed, as "openssl rand -hex 32" makes'],
    ['x'.repeat(5_000), 'holds 5000 bytes: that is no secret'],
  ])('refuses %j', (content, what) => {
    expect(() => read(content)).toThrow(`${file} ${what} (named by clusterKeyFile)`);
  });

  it('never tells the secret that it refuses', () => {
    expect(() => read('hunter2')).toThrow(expect.not.stringContaining('hunter2') as unknown as Error);
  });

  it.each([
    ['a file that is not there', 'absent', 'does not exist'],
    ['a directory', '.', 'is not a file'],
  ])('refuses %s', (_name, path, what) => {
    const rules = { setting: 'clusterKeyFile', minBytes: 32, warn: () => undefined };
    expect(() => readSecret(join(directory, path), rules)).toThrow(what);
  });

  it('warns when everybody on the host may read it', () => {
    read(SECRET, 0o644);
    expect(warnings).toEqual(['FILE (clusterKeyFile) can be read by everybody on this host: chmod 600 it']);
  });
});
