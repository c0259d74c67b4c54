import type { ObjectStat, ObjectStore } from '#libs/storage';

const PAGE = 1_000;

/** Requests side by side: enough to hide the store's latency, few enough to leave it to clients. */
const AT_ONCE = 16;

/** Every object below `prefix`, a page at a time. Any error ends it: what was not listed must not look absent. */
export function allObjects(
  store: ObjectStore,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<readonly ObjectStat[]> {
  return objectsAfter(store, prefix, undefined, signal);
}

/** The same, from the first key after `startAfter` on. */
export async function* objectsAfter(
  store: ObjectStore,
  prefix: string,
  startAfter: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly ObjectStat[]> {
  for (let after = startAfter; ; ) {
    signal.throwIfAborted();
    const page = await store.list(
      { prefix, limit: PAGE, ...(after === undefined ? {} : { startAfter: after }) },
      signal,
    );
    yield page.objects;
    after = page.objects.at(-1)?.key;
    if (!page.more) return;
    if (after === undefined) throw new Error(`a page of ${prefix} is empty and not the last`);
  }
}

/** Some at once, the rest after them. The first failure ends it. */
export async function forEachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
  }
}
