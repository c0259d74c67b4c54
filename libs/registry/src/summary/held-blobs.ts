import type { Digest } from '#libs/oci';
import { digestOfBlobKey, keys, type ObjectStore } from '#libs/storage';
import { LONGEST_GONE_BYTES } from '../blob-record.js';
import { CompactSet } from '../gc/compact-set.js';
import { allObjects, forEachOf } from '../upkeep/all-objects.js';
import type { StoredStates } from './stored-states.js';

/** Whether a region holds a blob. */
export type HoldsBlob = (digest: Digest, signal: AbortSignal) => Promise<boolean>;

/**
 * For a look at a whole region: all records are listed once, and what is absent then is looked for again, for it may have
 * come since.
 */
export async function listHeldBlobs(store: ObjectStore, states: StoredStates, signal: AbortSignal): Promise<HoldsBlob> {
  const held = new CompactSet();
  for await (const page of allObjects(store, keys.blobPrefix, signal)) {
    await forEachOf(
      page.filter(({ size }) => size > LONGEST_GONE_BYTES),
      async (object) => {
        const digest = digestOfBlobKey(object.key);
        if (await states.holdsBlob(object, digest, signal)) held.add(digest);
      },
    );
  }
  const look = lookForBlobs(store, states);
  return async (digest, looking) => held.has(digest) || look(digest, looking);
}

/** For a look at some repositories: one record at a time. */
export function lookForBlobs(store: ObjectStore, states: StoredStates): HoldsBlob {
  return async (digest, signal) => {
    const object = await store.stat(keys.blob(digest), signal);
    return object !== undefined && states.holdsBlob(object, digest, signal);
  };
}
