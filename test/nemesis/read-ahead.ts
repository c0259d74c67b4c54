import type { ObjectStore, StoredObject } from '#libs/storage';
import type { ReadableStore } from '../checkers/index.js';

/** Reads under way at a time: a bucket of many thousand objects is read in seconds. */
const AHEAD = 24;

/** Begins to read what is listed before it is asked for: whoever lists reads in that order. */
export function readAhead(store: ObjectStore): ReadableStore {
  const listed: string[] = [];
  const underWay = new Map<string, Promise<StoredObject | undefined>>();
  return {
    list: async (request, signal) => {
      const page = await store.list(request, signal);
      listed.splice(0, listed.length, ...page.objects.map(({ key }) => key));
      return page;
    },
    read: async (key, signal) => {
      if (listed.includes(key) || underWay.has(key)) {
        while (underWay.size < AHEAD && listed.length > 0) {
          const next = listed.shift() ?? key;
          const reading = store.read(next, signal);
          reading.catch(() => undefined);
          underWay.set(next, reading);
        }
      }
      const reading = underWay.get(key) ?? store.read(key, signal);
      underWay.delete(key);
      return reading;
    },
  };
}
