import { keys, type ObjectStat, partsOfKey } from '#libs/storage';
import { linkKind } from '../links.js';
import { allObjects, forEachOf } from '../upkeep/all-objects.js';
import type { Cycle } from './cycle.js';

/** Puts links that nothing in their repository needs on notice, and sweeps those whose time is up. */
export async function collectLinks(cycle: Cycle, signal: AbortSignal): Promise<void> {
  for await (const page of allObjects(cycle.store, keys.linkPrefix, signal)) {
    const held = page.filter(({ size }) => linkKind(size) !== 'ended');
    await forEachOf(held, (object) => judge(cycle, object, signal));
    cycle.report.seen.links += held.length;
    cycle.report.done += page.length;
    await cycle.flushSweeps(false, signal);
  }
  await cycle.flushSweeps(true, signal);
}

async function judge(cycle: Cycle, { key, size, modifiedMs }: ObjectStat, signal: AbortSignal): Promise<void> {
  const { content, mark, report, dryRun } = cycle;
  const { repository, digest } = partsOfKey(key);
  const condemned = linkKind(size) === 'condemned';
  if (mark.needsLink(repository, digest)) {
    if (condemned && !dryRun) await content.links.has(repository, digest, signal);
    return;
  }
  const { links } = report.kinds;
  if (!condemned) {
    links.condemned += 1;
    if (!dryRun) await content.links.condemn(repository, digest, cycle.id, signal);
    return;
  }
  if (!cycle.isOver(modifiedMs)) return;
  const by = (await content.links.inspect(repository, digest, signal))?.value?.condemned;
  // Somebody came to need it since it was listed, or a collection put it on notice anew.
  if (by === undefined || by === cycle.id) return;
  links.removed += 1;
  cycle.sweepLink(by, repository, digest);
}
