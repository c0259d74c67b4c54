import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { makeDirectories } from './durable.js';
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
