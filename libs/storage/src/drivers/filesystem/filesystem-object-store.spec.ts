import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { describeObjectStore } from '../../testing/object-store.contract.js';
import { FilesystemObjectStore } from './filesystem-object-store.js';

describeObjectStore('FilesystemObjectStore', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-objects-'));
  const open = () => new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
  return {
    store: open(),
    another: open(),
    close: async () => {
      try {
        expect((await readdir(directory, { recursive: true })).sort()).toEqual(['objects', 'tmp', 'uploads']);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  };
});
