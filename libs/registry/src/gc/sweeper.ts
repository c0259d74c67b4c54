import type { BlobsSweep, Change, Guard, Journal } from '#libs/journal';
import type { BlobStore } from '../blob-store.js';
import type { Mark } from './mark.js';

export type Sweep = Omit<BlobsSweep, 'type'>;

/** Takes away what was condemned a while ago and is still needed by nobody. */
export type Sweeper = (sweep: Sweep, mark: Mark, signal: AbortSignal) => Promise<void>;

/** Somebody came to need some of it between the look and the append. */
class NeededAgain extends Error {
  override readonly name = 'NeededAgain';
}

/**
 * At the primary a sweep has its place in the order of all changes: a manifest before it that names a blob keeps it, one
 * after it is judged when the blob is gone.
 */
export function journalSweeper(journal: Journal): Sweeper {
  return async (sweep, mark, signal) => {
    for (let left = sweep; left.blobs.length + left.links.length > 0; left = stillNotNeeded(left, mark)) {
      try {
        await journal.append({ type: 'blobs.sweep', ...left }, guard(left, mark), signal);
        return;
      } catch (error) {
        if (!(error instanceof NeededAgain)) throw error;
      }
    }
  };
}

/** At a replica the bytes are the region's own business; its links go with the primary's entries. */
export function localSweeper(blobs: BlobStore): Sweeper {
  return async (sweep, mark, signal) => {
    await mark.catchUp(signal);
    for (const digest of stillNotNeeded(sweep, mark).blobs) await blobs.sweep(digest, sweep.cycle, signal);
  };
}

function guard(sweep: Sweep, mark: Mark): Guard {
  const swept = new Set([...sweep.blobs, ...sweep.links.map(({ digest }) => digest)]);
  return {
    async validate(signal) {
      await mark.catchUp(signal);
      const left = stillNotNeeded(sweep, mark);
      const whole = left.blobs.length === sweep.blobs.length && left.links.length === sweep.links.length;
      if (!whole) throw new NeededAgain();
    },
    touchedBy: (change: Change) =>
      change.type === 'manifest.put' && change.blobs.some(({ digest }) => swept.has(digest)),
  };
}

function stillNotNeeded({ cycle, blobs, links }: Sweep, mark: Mark): Sweep {
  return {
    cycle,
    blobs: blobs.filter((digest) => !mark.needsBlob(digest)),
    links: links.filter(({ repository, digest }) => !mark.needsLink(repository, digest)),
  };
}
