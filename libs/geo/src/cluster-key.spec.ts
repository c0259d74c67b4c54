import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { deriveClusterKey, readClusterSecret } from './cluster-key.js';

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

describe('readClusterSecret', () => {
  async function read(content: string): Promise<Uint8Array> {
    const directory = await mkdtemp(join(tmpdir(), 'meridian-secret-'));
    try {
      await writeFile(join(directory, 'key'), content);
      return await readClusterSecret(join(directory, 'key'));
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  it.each(['', '\n', '\r\n', '\n\n'])('reads the same with %j at the end', async (end) => {
    expect(Buffer.from(await read(`${'k'.repeat(32)}${end}`)).toString()).toBe('k'.repeat(32));
  });

  it('refuses a file that only line ends make long enough', async () => {
    await expect(read(`${'k'.repeat(31)}\n`)).rejects.toThrow('at least 32 bytes');
  });
});
