import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore } from '#libs/storage';
import { ChildPrograms, ended } from './filesystem/child-program.js';

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f'];
const OBJECT_BYTES = 200_000;

describe('FilesystemObjectStore in several processes', () => {
  const { signal } = new AbortController();
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

  async function text(key: string): Promise<string | undefined> {
    const read = await store.read(key, signal);
    return read && Buffer.from(read.bytes).toString();
  }

  async function listAll(): Promise<string[]> {
    const page = await store.list({ prefix: '', limit: 1000 }, signal);
    expect(page.more).toBe(false);
    return page.objects.map(({ key }) => key);
  }

  it('loses no increment that several make at once', async () => {
    const EACH = 60;
    await store.put('counter', Buffer.from('0'), { signal });
    const children = [1, 2, 3].map(() => programs.start('increment', directory, String(EACH)));
    expect(await Promise.all(children.map(ended))).toEqual([0, 0, 0]);
    expect(await text('counter')).toBe(String(3 * EACH));
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
    const keys = await listAll();
    expect(keys).toEqual(expect.arrayContaining(acknowledged));
    for (const key of keys) {
      const whole = (await text(key)) ?? '';
      expect(whole === (whole[0] ?? '').repeat(OBJECT_BYTES)).toBe(true);
    }
    await store.put('replaced', Buffer.from('and it goes on'), { signal });
    expect(await text('replaced')).toBe('and it goes on');
  });
});
