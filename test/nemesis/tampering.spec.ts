import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { tamper } from './tampering.js';
import type { World } from './world.js';

const signal = new AbortController().signal;

describe('tampering', () => {
  it('changes one byte of a stored blob, and puts it back', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const bytes = Buffer.from('the bytes of a blob');
    await store.put('data/one', bytes, { signal });
    await store.put('tags/team/app/:v1', Buffer.from('{}'), { signal });
    const trouble = tamper({ openBucket: () => Promise.resolve(store) } as unknown as World, new SeededRandom(1));
    await trouble.begin();
    const changed = (await store.read('data/one', signal))?.bytes ?? new Uint8Array();
    expect(bytes.filter((byte, at) => byte !== changed[at]).length).toBe(1);
    await trouble.heal();
    expect(Buffer.from((await store.read('data/one', signal))?.bytes ?? []).equals(bytes)).toBe(true);
  });
});
