import { keys, type ObjectStore } from '#libs/storage';
import { changed, statOf } from './bugged-store.js';

/** Mistakes of garbage collection, each in what the collector, or whoever it has to fear, sees of the store. */
export const COLLECTION_BUGS = {
  'mark-misses-manifests': (store: ObjectStore) => changed(store, { list: withoutFirst(store, keys.manifestPrefix) }),
  'condemned-is-enough': (store: ObjectStore) => changed(store, { put: withoutRevival(store) }),
  'orphans-at-once': (store: ObjectStore) => changed(store, { read: orphansKnown(store) }),
  'bytes-stay': (store: ObjectStore) => changed(store, { delete: keepingData(store) }),
} as const;

/** A page of a listing that is not whole. */
function withoutFirst(store: ObjectStore, prefix: string): ObjectStore['list'] {
  return async (request, signal) => {
    const page = await store.list(request, signal);
    return request.prefix === prefix ? { ...page, objects: page.objects.slice(1) } : page;
  };
}

/** Whoever finds a condemned blob believes that it is live again, and has not made it so. */
function withoutRevival(store: ObjectStore): ObjectStore['put'] {
  return async (key, bytes, options) => {
    const revives = key.startsWith(keys.blobPrefix) && options.condition?.kind === 'matches' && says(bytes, 'live');
    return revives ? statOf(key, bytes) : store.put(key, bytes, options);
  };
}

/** All data seem to have been seen by an earlier collection, named by nothing. */
function orphansKnown(store: ObjectStore): ObjectStore['read'] {
  return async (key, signal, maxBytes) => {
    if (key !== keys.gcOrphans) return store.read(key, signal, maxBytes);
    const { objects } = await store.list({ prefix: keys.dataPrefix, limit: 1_000 }, signal);
    const bytes = Buffer.from(JSON.stringify(objects.map((object) => object.key)));
    return { ...statOf(key, bytes), bytes };
  };
}

function keepingData(store: ObjectStore): ObjectStore['delete'] {
  return async (key, signal) => {
    if (!key.startsWith(keys.dataPrefix)) await store.delete(key, signal);
  };
}

function says(bytes: Uint8Array, state: string): boolean {
  return Buffer.from(bytes).toString().includes(`"state":"${state}"`);
}
