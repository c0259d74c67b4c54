import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { neverAborted, textOf } from '../../testing/contract-subject.js';
import { formatIndex } from './contents.js';
import { FilesystemObjectStore } from './filesystem-object-store.js';
import { Layout } from './layout.js';
import { Workbench } from './prepare.js';
import { partFileName, UploadDirectory } from './upload-directory.js';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('FilesystemObjectStore after a crash', () => {
  const signal = neverAborted();
  let directory: string;
  let store: FilesystemObjectStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-objects-'));
    store = open();
    await store.put('k', Buffer.from('first'), { signal });
  });
  afterEach(() => rm(directory, { recursive: true }));

  function open(nowMs = Date.now()): FilesystemObjectStore {
    return new FilesystemObjectStore({
      directory,
      clock: { ...systemClock, now: () => nowMs },
      random: systemRandom,
    });
  }

  it('removes at the next start what is older than a day, and nothing younger', async () => {
    const temporary = join(directory, 'tmp');
    for (const name of ['old', 'young', 'written']) await mkdir(join(temporary, name));
    await writeFile(join(temporary, 'part'), 'bytes');
    const inAWhile = new Date(Date.now() + DAY_MS);
    await writeFile(join(temporary, 'written/content'), 'bytes');
    await utimes(join(temporary, 'written/content'), inAWhile, inAWhile);
    await open(Date.now() + DAY_MS - 60_000).stat('k', signal);
    expect((await readdir(temporary)).sort()).toEqual(['old', 'part', 'written', 'young']);
    await open(Date.now() + DAY_MS + 60_000).stat('k', signal);
    expect(await readdir(temporary)).toEqual(['written']);
    expect(await store.stat('k', signal)).toBeDefined();
  });

  it('starts beside what others prepare, however long what their links hold', async () => {
    const temporary = join(directory, 'tmp');
    await symlink('x'.repeat(1_000), join(temporary, 'link'));
    await mkdir(join(temporary, 'prepared'));
    await symlink('x'.repeat(1_000), join(temporary, 'prepared/content'));
    await open().stat('k', signal);
    expect((await readdir(temporary)).sort()).toEqual(['link', 'prepared']);
    await open(Date.now() + DAY_MS + 60_000).stat('k', signal);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('removes the bytes of replaced versions with the next replacement', async () => {
    const keyDirectory = join(directory, 'objects/o/k');
    await writeFile(join(keyDirectory, 'left,none'), 'bytes that a killed writer could not remove');
    expect(textOf((await store.read('k', signal))?.bytes)).toBe('first');
    await store.put('k', Buffer.from('second'), { signal });
    expect(textOf((await store.read('k', signal))?.bytes)).toBe('second');
    expect(await readdir(keyDirectory)).toHaveLength(2);
  });

  it('completes an upload whose completion was cut off after it had taken the parts', async () => {
    const upload = await store.multipart.begin('data/x', signal);
    const part = await store.multipart.writePart(
      upload,
      { number: 1, offset: 0, size: 5 },
      Buffer.from('parts'),
      signal,
    );
    const layout = new Layout(directory);
    const bench = new Workbench(layout, systemClock, systemRandom);
    const prepared = await bench.fromIndex(formatIndex([{ name: partFileName(part), size: 5 }]), 5);
    await new UploadDirectory(layout, upload.id).claimParts(prepared, { driver: 'test', operation: 'claim' });

    expect(await store.stat('data/x', signal)).toBeUndefined();
    await expect(
      store.multipart.writePart(upload, { number: 2, offset: 5, size: 1 }, Buffer.from('x'), signal),
    ).rejects.toMatchObject({ code: 'no_such_upload' });
    await open().multipart.complete(upload, [part], signal);
    expect(textOf((await store.read('data/x', signal))?.bytes)).toBe('parts');
    expect(await readdir(join(directory, 'uploads'))).toEqual([]);
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  });
});
