import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { keys, MemoryObjectStore } from '#libs/storage';
import { readRegionState } from '../checkers/index.js';
import { readAhead } from './read-ahead.js';

const signal = new AbortController().signal;

describe('reading ahead', () => {
  it('says of a bucket what reading one object after the other says', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    for (let at = 0; at < 2_500; at += 1) {
      const digest = `sha256:${String(at).padStart(64, '0')}`;
      await store.put(`tags/team/app/:v${at}`, Buffer.from(JSON.stringify({ seq: at + 1, digest })), { signal });
    }
    await store.put(keys.progress, Buffer.from(JSON.stringify({ watermark: 2_500, beyond: [] })), { signal });
    const plain = await readRegionState(store);
    expect(plain.tags.size).toBe(2_500);
    expect(await readRegionState(readAhead(store))).toEqual(plain);
  });
});
