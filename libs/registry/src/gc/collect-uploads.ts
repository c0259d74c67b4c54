import { keys } from '#libs/storage';
import { CopyStates } from '../copy-state.js';
import type { StoredSessions } from '../stored-sessions.js';
import { allObjects, forEachOf } from '../upkeep/all-objects.js';
import type { CompactSet } from './compact-set.js';
import type { Cycle } from './cycle.js';

export interface UploadLimits {
  /** A session that nothing came for in this time was given up. */
  readonly idleMs: number;
  /** And none takes longer than this, nor does a transfer that has no session. */
  readonly maxAgeMs: number;
}

/** Ends uploads that were given up: session first, then its parts. Adds the data keys of the others to `named`. */
export async function collectUploads(
  cycle: Cycle,
  sessions: StoredSessions,
  limits: UploadLimits,
  named: CompactSet,
  signal: AbortSignal,
): Promise<void> {
  const { uploads } = cycle.report.kinds;
  for await (const page of allObjects(cycle.store, keys.uploadPrefix, signal)) {
    await forEachOf(page, async ({ key, modifiedMs }) => {
      const session = await sessions.inspect(key.slice(keys.uploadPrefix.length), signal);
      if (session === undefined) return;
      const { createdMs } = session.state;
      const over = cycle.ageOf(modifiedMs) >= limits.idleMs || cycle.ageOf(createdMs) >= limits.maxAgeMs;
      if (!over) return named.add(session.state.data);
      uploads.removed += 1;
      uploads.removedBytes += session.state.parts.reduce((sum, part) => sum + part.size, session.state.tail.length);
      if (!cycle.dryRun) await sessions.expire(session, signal);
    });
    cycle.report.done += page.length;
  }
  await collectCopies(cycle, limits, named, signal);
  await abortForgotten(cycle, limits, named, signal);
}

/** Copies from other regions that nobody went on with: who wants the blob begins anew. */
async function collectCopies(
  cycle: Cycle,
  limits: UploadLimits,
  named: CompactSet,
  signal: AbortSignal,
): Promise<void> {
  const { store, report, dryRun } = cycle;
  const states = new CopyStates(store);
  for await (const page of allObjects(store, keys.copyPrefix, signal)) {
    await forEachOf(page, async ({ key, modifiedMs }) => {
      const copy = await states.read(key, signal);
      if (copy === undefined) return;
      const { data, multipart } = copy.state;
      if (cycle.ageOf(modifiedMs) < limits.idleMs) return named.add(data);
      report.kinds.uploads.removed += 1;
      if (dryRun) return;
      await store.delete(key, signal);
      await store.multipart.abort(multipart, signal);
    });
  }
}

/** Transfers by parts that no session knows: of an upload whose process died, or of a copy. */
async function abortForgotten(
  cycle: Cycle,
  limits: UploadLimits,
  named: CompactSet,
  signal: AbortSignal,
): Promise<void> {
  const { multipart } = cycle.store;
  const under = await multipart.listUploads(keys.dataPrefix, signal);
  const forgotten = under.filter(({ key, beganMs }) => !named.has(key) && cycle.ageOf(beganMs) >= limits.maxAgeMs);
  cycle.report.kinds.uploads.removed += forgotten.length;
  if (cycle.dryRun) return;
  await forEachOf(forgotten, (upload) => multipart.abort(upload, signal));
}
