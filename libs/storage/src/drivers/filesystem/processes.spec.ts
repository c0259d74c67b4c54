import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { allKeys, neverAborted, textOf } from '../../testing/contract-subject.js';
import { FilesystemObjectStore } from './filesystem-object-store.js';
import { ChildPrograms, ended } from './testing/child-program.js';

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f'];
const OBJECT_BYTES = 200_000;

describe('FilesystemObjectStore in several processes', () => {
  const signal = neverAborted();
  let programs: ChildPrograms;
  let directory: string;
  let store: FilesystemObjectStore;

  beforeAll(async () => {
    programs = await ChildPrograms.compile();
  });
  afterAll(() => programs.remove());
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-objects-'));
    store = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('loses no increment that several make at once', async () => {
    const EACH = 60;
    await store.put('counter', Buffer.from('0'), { signal });
    const children = [1, 2, 3].map(() => programs.start('increment', directory, String(EACH)));
    expect(await Promise.all(children.map(ended))).toEqual([0, 0, 0]);
    expect(textOf((await store.read('counter', signal))?.bytes)).toBe(String(3 * EACH));
  });

  it('shows whole objects only, and every one that was acknowledged, after writers were killed', async () => {
    const acknowledged: string[] = [];
    for (const letter of LETTERS) {
      const child = programs.start('write-forever', directory, letter, String(OBJECT_BYTES));
      let told = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        told += text;
      });
      if (child.stdout) await once(child.stdout, 'data');
      await systemClock.sleep(20 + 60 * systemRandom.next(), signal);
      child.kill('SIGKILL');
      await once(child, 'close');
      acknowledged.push(...told.split('\n').slice(0, -1));
    }
    const keys = await allKeys(store);
    expect(keys).toEqual(expect.arrayContaining(acknowledged));
    for (const key of keys) {
      const text = textOf((await store.read(key, signal))?.bytes) ?? '';
      expect(text === (text[0] ?? '').repeat(OBJECT_BYTES)).toBe(true);
    }
    await store.put('replaced', Buffer.from('and it goes on'), { signal });
    expect(textOf((await store.read('replaced', signal))?.bytes)).toBe('and it goes on');
  });
});
