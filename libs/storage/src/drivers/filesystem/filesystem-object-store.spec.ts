import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
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

it('goes on as an empty store when everything below its directory was removed while it was open', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-objects-'));
  const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
  const { signal } = new AbortController();
  try {
    await store.put('kept/before', Buffer.from('before'), { signal });
    for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
    expect(await store.stat('kept/before', signal)).toBeUndefined();
    await store.put('kept/after', Buffer.from('after'), { condition: { kind: 'absent' }, signal });
    expect((await store.list({ prefix: '', limit: 10 }, signal)).objects.map(({ key }) => key)).toEqual(['kept/after']);
    for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
    const upload = await store.multipart.begin('kept/parts', signal);
    const part = await store.multipart.writePart(upload, { number: 1, offset: 0, size: 1 }, Buffer.from('x'), signal);
    expect(await store.multipart.complete(upload, [part], signal)).toMatchObject({ key: 'kept/parts', size: 1 });
  } finally {
    await rm(directory, { recursive: true });
  }
});
