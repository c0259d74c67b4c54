import type { ListPage, ListRequest, MemoryObjectStore, ObjectStat } from '#libs/storage';
import type { ReadableStore } from '../checkers/index.js';
import { ArchivedStore } from './archived-store.js';

/**
 * A bucket as the checkers look into it: nothing is copied, so that what has not changed is not read again. What was cut off
 * of the journal is still there.
 */
export function viewOf(store: MemoryObjectStore): ReadableStore {
  const archived = store instanceof ArchivedStore ? store.archived : new Map<string, Uint8Array>();
  return {
    list: async (request, signal) => archivedPage(archived, request) ?? (await store.list(request, signal)),
    read: (key) => {
      const bytes = archived.get(key);
      return Promise.resolve(bytes === undefined ? store.peek(key) : { ...statOf(key, bytes), bytes });
    },
  };
}

/** Cut off is what comes first. */
function archivedPage(archived: ReadonlyMap<string, Uint8Array>, request: ListRequest): ListPage | undefined {
  const { prefix, startAfter = '' } = request;
  const keys = [...archived.keys()].filter((key) => key.startsWith(prefix) && key > startAfter).sort();
  if (keys.length === 0) return undefined;
  return {
    objects: keys.map((key) => statOf(key, archived.get(key))),
    more: true,
  };
}

function statOf(key: string, bytes: Uint8Array = new Uint8Array()): ObjectStat {
  return { key, size: bytes.length, etag: '', modifiedMs: 0 };
}
