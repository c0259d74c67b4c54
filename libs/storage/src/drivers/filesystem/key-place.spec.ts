import { closeSync, openSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { neverAborted, textOf } from '../../testing/contract-subject.js';
import { FilesystemObjectStore } from './filesystem-object-store.js';
import { readLinked, readOpened, readPlace } from './key-place.js';
import { followersOf, Layout } from './layout.js';
import { Workbench } from './prepare.js';
import { install, Publisher } from './publish.js';

const TEXT = Buffer.from('text');
const NO_TEXT = Buffer.from([1, 0, 2]);

/** What happens in between can be put in between here: looks and steps that others take seldom meet just so. */
describe('the place of a key', () => {
  const signal = neverAborted();
  let directory: string;
  let store: FilesystemObjectStore;
  let layout: Layout;
  let bench: Workbench;
  let publisher: Publisher;
  let place: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-place-'));
    store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
    layout = new Layout(directory);
    bench = new Workbench(layout, systemClock, systemRandom);
    publisher = new Publisher(layout, bench);
    place = layout.place('tags/k');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const names = async () => (await readdir(directory, { recursive: true })).sort();

  it('holds nothing of a link that was there a moment ago, followed and deleted since', async () => {
    await store.put('tags/k', TEXT, { signal });
    const target = readlinkSync(place, { encoding: 'buffer' });
    await store.put('tags/k', Buffer.from('next'), { signal });
    await store.delete('tags/k', signal);
    expect(await readLinked(place, target)).toBe('changed');
    await store.put('tags/k', TEXT, { signal });
    expect(await readLinked(place, target)).toBe('changed');
  });

  it('holds nothing of a file that was there a moment ago, followed and deleted since', async () => {
    await store.put('tags/k', NO_TEXT, { signal });
    const file = openSync(place, 'r');
    try {
      await store.put('tags/k', Buffer.from('next'), { signal });
      await store.delete('tags/k', signal);
      expect(await readOpened(place, file, true)).toBe('changed');
      await store.put('tags/k', NO_TEXT, { signal });
      expect(await readOpened(place, file, true)).toBe('changed');
    } finally {
      closeSync(file);
    }
  });

  it.each([
    ['a link', TEXT],
    ['a file', NO_TEXT],
  ])('takes no second version for one that was seen before it was deleted: %s', async (_, bytes) => {
    await store.put('tags/k', bytes, { signal });
    const alone = await readPlace(place);
    await publisher.write(Buffer.from('next'), place, alone);
    const followed = await readPlace(place);
    await store.delete('tags/k', signal);
    expect(await publisher.write(Buffer.from('late'), place, alone)).toBeUndefined();
    expect(await publisher.write(Buffer.from('late'), place, followed)).toBeUndefined();
    expect(await names()).toEqual(['objects', 'tmp', 'uploads']);
  });

  it('takes none either when somebody else who was late made the directory for it once more', async () => {
    const first = await store.put('tags/k', TEXT, { signal });
    const path = followersOf(place, first.etag);
    const makeDirectory = async () => install(await bench.forFollowers({ ...first, id: first.etag }), path);
    await makeDirectory();
    const seen = await readPlace(place);
    expect(seen).toMatchObject({ kind: 'link', current: { id: first.etag }, directory: { contents: [] } });
    await store.delete('tags/k', signal);
    expect(await makeDirectory()).toBe(true);
    expect(await publisher.write(Buffer.from('late'), place, seen)).toBeUndefined();
    expect(await store.read('tags/k', signal)).toBeUndefined();
  });

  it('is the same version when only the directory for what follows was made', async () => {
    const first = await store.put('tags/k', TEXT, { signal });
    await install(await bench.forFollowers({ ...first, id: first.etag }), followersOf(place, first.etag));
    expect(await store.stat('tags/k', signal)).toEqual(first);
    expect(textOf((await store.read('tags/k', signal))?.bytes)).toBe('text');
    expect(textOf((await store.read('tags/k', signal))?.bytes)).toBe('text');
    await store.put('tags/k', Buffer.from('next'), { condition: { kind: 'matches', etag: first.etag }, signal });
    expect(textOf((await store.read('tags/k', signal))?.bytes)).toBe('next');
    await store.delete('tags/k', signal);
    expect(await names()).toEqual(['objects', 'tmp', 'uploads']);
  });

  it('is no key when somebody put there what no store writes', async () => {
    await store.put('tags/other', TEXT, { signal });
    await symlink('/etc/passwd', place);
    await expect(store.read('tags/k', signal)).rejects.toThrow('holds what this driver did not write');
    await rm(place);
    await writeFile(place, 'short');
    await expect(store.read('tags/k', signal)).rejects.toThrow('holds what this driver did not write');
  });
});
