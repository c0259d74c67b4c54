import { systemClock } from '#libs/resilience';
import type { SeededRandom } from '#libs/resilience/testing';
import { keys, type ObjectStore } from '#libs/storage';
import { REGIONS } from './places.js';
import type { World } from './world.js';

const LOOKED_AT = 500;
const TRIES = 100;
const PAUSE_MS = 500;
const forever = new AbortController().signal;

/** What one object was before somebody changed it behind the registry's back. */
interface Original {
  readonly store: ObjectStore;
  readonly key: string;
  readonly bytes: Uint8Array;
}

/**
 * Changes a byte of a stored blob in a replica's bucket, past everything. Until it is as it was, nobody may be given all
 * of it; nothing in the region repairs it by itself so far, so healing puts the byte back.
 */
export function tamper(world: World, random: SeededRandom) {
  const region = REGIONS[1 + random.below(REGIONS.length - 1)] ?? REGIONS[1];
  let original: Original | undefined;
  return {
    place: `bucket ${region}`,
    begin: async (): Promise<void> => {
      // A store that is down just now is not tampered with.
      original = await damage(await world.openBucket(region), random).catch(() => undefined);
    },
    heal: async (): Promise<void> => {
      if (original !== undefined) await restore(original);
    },
  };
}

async function damage(store: ObjectStore, random: SeededRandom): Promise<Original | undefined> {
  const { objects } = await store.list({ prefix: keys.dataPrefix, limit: LOOKED_AT }, forever);
  const key = objects[random.below(objects.length)]?.key;
  const found = key === undefined ? undefined : await store.read(key, forever);
  if (key === undefined || found === undefined || found.bytes.length === 0) return undefined;
  const changed = Uint8Array.from(found.bytes);
  const at = random.below(changed.length);
  changed[at] = (changed[at] ?? 0) ^ 0x80;
  await store.put(key, changed, { signal: forever });
  return { store, key, bytes: found.bytes };
}

async function restore({ store, key, bytes }: Original): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await store.put(key, bytes, { signal: forever });
      return;
    } catch (error) {
      if (tries === TRIES) throw error;
      await systemClock.sleep(PAUSE_MS, forever);
    }
  }
}
