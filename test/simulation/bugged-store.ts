import type { ObjectStat, ObjectStore } from '#libs/storage';

/** A store with some of its operations replaced. */
export function changed(store: ObjectStore, changes: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const change: unknown = Reflect.get(changes, name);
      if (change !== undefined) return change;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** What a write would have been answered. */
export function statOf(key: string, bytes: Uint8Array): ObjectStat {
  return { key, size: bytes.byteLength, etag: 'planted', modifiedMs: 0 };
}
