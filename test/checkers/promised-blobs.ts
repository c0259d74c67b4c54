import { type Checker, finding } from './evidence.js';

/** Of the grace time, what is promised: memory may be a quarter of it old, and answers take their time. */
const PROMISED_SHARE = 0.7;

/** C8, at the door: a manifest is not refused for a blob that its client was told is there, within the grace time. */
export const nothingPromisedIsRefused: Checker = ({ operations, graceMs = Number.POSITIVE_INFINITY }) =>
  finding(
    'C8 promised blobs',
    operations.flatMap(({ id, action, code, reliedMs, endMs }) => {
      // A child may have been deleted; nobody deletes blobs.
      if (action.kind !== 'push' || action.children.length > 0 || reliedMs === undefined) return [];
      if (code !== 'MANIFEST_BLOB_UNKNOWN' || endMs - reliedMs > graceMs * PROMISED_SHARE) return [];
      return [`#${id} was refused for a blob that its client was told of ${(endMs - reliedMs).toFixed(0)} ms before`];
    }),
  );
