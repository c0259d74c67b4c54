import type { BlobClient } from './store.js';

/** Runs `work` for each item, as many at a time as there are clients, until all are done or the time is over; returns how many were. */
export async function spread<Item>(
  clients: readonly BlobClient[],
  items: readonly Item[],
  work: (client: BlobClient, item: Item) => Promise<unknown>,
  seconds = Number.POSITIVE_INFINITY,
): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let next = 0;
  const lanes = clients.map(async (client) => {
    while (performance.now() < end) {
      const item = items[next];
      if (item === undefined) return;
      next += 1;
      await work(client, item);
    }
  });
  await Promise.all(lanes);
  return next;
}
