import type { MemoryObjectStore } from '#libs/storage';
import type { ReadableStore } from '../checkers/index.js';

/** A bucket as the checkers look into it: nothing is copied, so that what has not changed is not read again. */
export function viewOf(store: MemoryObjectStore): ReadableStore {
  return {
    list: (request, signal) => store.list(request, signal),
    read: (key) => Promise.resolve(store.peek(key)),
  };
}
