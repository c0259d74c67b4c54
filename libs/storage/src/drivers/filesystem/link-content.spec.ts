import { lstat, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { neverAborted } from '../../testing/contract-subject.js';
import { FilesystemObjectStore } from './filesystem-object-store.js';
import { longestLink, readLink, writeLink } from './link-content.js';

// Whatever the file system has that this runs on.
const probed = await mkdtemp(join(tmpdir(), 'meridian-links-'));
const longest = await longestLink(`${probed}/probe`);
await rm(probed, { recursive: true });

describe('small content', () => {
  const signal = neverAborted();
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-links-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it.each([
    ['text', Buffer.from('{"seq":7}'), 'a link'],
    ['as much as a link holds', Buffer.alloc(longest, 'x'), 'a link'],
    ['more than that', Buffer.alloc(longest + 1, 'x'), 'a file'],
    ['bytes that no text has', Buffer.from([1, 0, 2]), 'a file'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a]), 'a link'],
  ])('is kept and read as it was given: %s', async (_, bytes, kind) => {
    const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
    for (const round of ['created', 'replaced']) {
      await store.put('k', bytes, { signal });
      const path = `${directory}/objects/o/k`;
      const names = await readdir(path);
      const [name] = names.filter((found) => !found.startsWith('='));
      const isFile = name !== undefined && (await lstat(`${path}/${name}`)).isFile();
      expect([round, isFile]).toEqual([round, kind === 'a file']);
      // Of a key's first version nothing but the marker.
      expect([round, names.length]).toEqual([round, round === 'created' && !isFile ? 1 : 2]);
      expect(Buffer.compare((await store.read('k', signal))?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
    }
    const opened = await store.open('k', { range: { start: 1, end: 1 }, signal });
    expect(Buffer.concat(await (opened?.body.toArray() ?? []))).toEqual(bytes.subarray(1, 2));
  });

  it.each(['unconditionally', 'by its version'] as const)(
    'is replaced %s, and by what is no link, and back',
    async (how) => {
      const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
      for (const content of ['first', 'second', Buffer.from([1, 0, 2]), 'fourth', '', 'sixth']) {
        const etag = (await store.stat('k', signal))?.etag;
        const condition =
          how === 'by its version' && etag !== undefined ? ({ kind: 'matches', etag } as const) : undefined;
        await store.put('k', Buffer.from(content), { signal, ...(condition && { condition }) });
        expect(Buffer.from((await store.read('k', signal))?.bytes ?? []).equals(Buffer.from(content))).toBe(true);
      }
      await store.delete('k', signal);
      expect(await store.read('k', signal)).toBeUndefined();
    },
  );

  it('is never the name of anything', async () => {
    await writeLink(`${directory}/l`, Buffer.from('/etc/hosts'));
    expect(await readlink(`${directory}/l`)).toBe(':/etc/hosts');
    expect(Buffer.from((await readLink(`${directory}/l`)) ?? []).toString()).toBe('/etc/hosts');
  });

  it('is measured without leaving anything', async () => {
    expect([1_000, 4_000]).toContain(await longestLink(`${directory}/probe`));
    expect(await readdir(directory)).toEqual([]);
  });

  it('is told from what is not there', async () => {
    expect(await readLink(`${directory}/missing`)).toBeUndefined();
  });
});
