import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { makeDirectories, syncDirectory } from './durable.js';
import { pruneEmpty } from './key-directory.js';

describe('making directories', () => {
  it('never fails because somebody removes what is still empty at the same time', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'meridian-directories-'));
    const path = `${directory}/a/b`;
    try {
      for (let round = 0; round < 50; round += 1) {
        const pruning = pruneEmpty([path, `${directory}/a`, path, `${directory}/a`]);
        await expect(makeDirectories(path)).resolves.toBeUndefined();
        await pruning;
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('synchronising a directory', () => {
  it('serves who asks together with one turn, and who asks later with another', async () => {
    const first = syncDirectory(tmpdir());
    expect(syncDirectory(tmpdir())).toBe(first);
    await first;
    const second = syncDirectory(tmpdir());
    expect(second).not.toBe(first);
    await second;
  });

  it('tells everybody who asked that it failed, and tries again for the next', async () => {
    const missing = join(tmpdir(), 'meridian-not-there');
    const asked = [syncDirectory(missing), syncDirectory(missing)];
    for (const failed of asked) await expect(failed).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(syncDirectory(missing)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
