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
    let making = true;
    const pruning = (async () => {
      while (making) await pruneEmpty([path, `${directory}/a`]);
    })();
    try {
      for (let round = 0; round < 300; round += 1) await expect(makeDirectories(path)).resolves.toBeUndefined();
    } finally {
      making = false;
      await pruning;
      await rm(directory, { recursive: true });
    }
  });
});
