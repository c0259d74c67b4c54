import { isStorageError, type ObjectStore } from '#libs/storage';
import { changed, statOf } from './bugged-store.js';

/** Mistakes in what somebody makes of a store's answers. */
export const ANSWER_BUGS = {
  'unanswered-is-done': (store: ObjectStore) => changed(store, { put: believingUnanswered(store) }),
} as const;

function believingUnanswered(store: ObjectStore): ObjectStore['put'] {
  return async (key, bytes, options) => {
    try {
      return await store.put(key, bytes, options);
    } catch (error) {
      if (!isStorageError(error, 'unavailable')) throw error;
      return statOf(key, bytes);
    }
  };
}
