import { lstat, mkdir, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { neverAborted } from '../../testing/contract-subject.js';
import { FilesystemObjectStore } from './filesystem-object-store.js';
import { longestLink, readLink, writeLink } from './link-content.js';
import { HEADER_BYTES } from './sole-version.js';

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

  const room = longest - HEADER_BYTES;

  it.each([
    ['text', Buffer.from('{"seq":7}'), 'a link'],
    ['nothing', Buffer.alloc(0), 'a link'],
    ['as much as a link holds', Buffer.alloc(room, 'x'), 'a link'],
    ['more than that', Buffer.alloc(room + 1, 'x'), 'a file'],
    ['bytes that no text has', Buffer.from([1, 0, 2]), 'a file'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a]), 'a link'],
    ['more than is read with the header', Buffer.alloc(70_000, 'x'), 'a file'],
  ])('is one name when it is all that a key has, and read as it was given: %s', async (_, bytes, kind) => {
    const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
    const made = await store.put('k', bytes, { signal });
    const place = await lstat(`${directory}/objects/o/k`);
    expect([place.isFile(), place.isSymbolicLink()]).toEqual([kind === 'a file', kind === 'a link']);
    await expectContent(store, bytes);
    expect(await store.stat('k', signal)).toEqual(made);
    expect((await store.list({ prefix: '', limit: 9 }, signal)).objects).toEqual([made]);
    await store.delete('k', signal);
    expect((await readdir(directory, { recursive: true })).sort()).toEqual(['objects', 'tmp', 'uploads']);
  });

  it.each([
    ['text', Buffer.from('{"seq":7}'), 'a link'],
    ['as much as a link holds', Buffer.alloc(longest, 'x'), 'a link'],
    ['more than that', Buffer.alloc(longest + 1, 'x'), 'a file'],
    ['bytes that no text has', Buffer.from([1, 0, 2]), 'a file'],
  ])('follows what a key had, and is read as it was given: %s', async (_, bytes, kind) => {
    const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
    const first = await store.put('k', Buffer.from('first'), { signal });
    const path = `${directory}/objects/v/${first.etag}`;
    for (const round of ['first', 'second']) {
      await store.put('k', bytes, { signal });
      const names = await readdir(path);
      const [name] = names.filter((found) => !found.startsWith('='));
      const isFile = name !== undefined && (await lstat(`${path}/${name}`)).isFile();
      expect([round, isFile]).toEqual([round, kind === 'a file']);
      expect([round, names.length]).toEqual([round, 2]);
      await expectContent(store, bytes);
    }
  });

  async function expectContent(store: FilesystemObjectStore, bytes: Uint8Array): Promise<void> {
    expect(Buffer.compare((await store.read('k', signal))?.bytes ?? Buffer.alloc(1), bytes)).toBe(0);
    const whole = await store.open('k', { signal });
    expect(Buffer.compare(Buffer.concat(await (whole?.body.toArray() ?? [])), bytes)).toBe(0);
    if (bytes.length < 2) return;
    const opened = await store.open('k', { range: { start: 1, end: 1 }, signal });
    expect(Buffer.concat(await (opened?.body.toArray() ?? []))).toEqual(bytes.subarray(1, 2));
  }

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

  it('is read, replaced and deleted where an earlier driver kept it behind a marker', async () => {
    const id = 'a'.repeat(32);
    await mkdir(`${directory}/objects/o/k`, { recursive: true });
    await writeLink(`${directory}/objects/o/k/=${id},none,5,1700000000000,marker`, Buffer.from('first'));
    const store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
    const found = { key: 'k', size: 5, etag: id, modifiedMs: 1_700_000_000_000 };
    expect(await store.stat('k', signal)).toEqual(found);
    expect(await store.read('k', signal)).toEqual({ ...found, bytes: Buffer.from('first') });
    await expectContent(store, Buffer.from('first'));
    await store.put('k', Buffer.from('second'), { condition: { kind: 'matches', etag: id }, signal });
    await expectContent(store, Buffer.from('second'));
    await store.delete('k', signal);
    expect(await store.stat('k', signal)).toBeUndefined();
  });

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
