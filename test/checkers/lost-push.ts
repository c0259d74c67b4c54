import { type Checker, type Evidence, finding } from './evidence.js';
import type { Operation } from './history.js';
import type { JournalEntry } from './journal-state.js';
import { isKept } from './policy-kept.js';

/** C1 and C10: every acknowledged change is one entry of the journal, where its answer said, and every refused one is none. */
export const journalTellsTheTruth: Checker = (evidence) => {
  const { journal, operations } = evidence;
  const bySeq = new Map(journal.entries.map((entry) => [entry.seq, entry]));
  const changes = operations.filter(({ action }) => changeKey(action) !== undefined);
  const claimed = new Map<number, number>();
  const problems = [...journal.damage];
  for (const operation of changes) {
    const { outcome, seq, id } = operation;
    if (outcome !== 'ok' || seq === undefined) continue;
    const entry = bySeq.get(seq);
    if (entry === undefined) problems.push(`#${id} was acknowledged as ${seq}, which the journal does not have`);
    else if (entryKey(entry) !== changeKey(operation.action)) {
      problems.push(
        `#${id} was acknowledged as ${seq}, which is ${entryKey(entry)}, not ${changeKey(operation.action)}`,
      );
    }
    const other = claimed.get(seq);
    if (other !== undefined) problems.push(`#${other} and #${id} were both acknowledged as ${seq}`);
    claimed.set(seq, id);
  }
  return finding('C10 journal audit', [...problems, ...surplus(journal.entries, changes)]);
};

/** More entries than requests that may have made them: one was written twice, or one that was refused was written. */
function* surplus(entries: readonly JournalEntry[], changes: readonly Operation[]): Generator<string> {
  const counts = new Map<string, number>();
  // A sweep is nobody's request, and who makes the rules is no client.
  const asked = entries.filter(({ type }) => type !== 'blobs.sweep' && type !== 'policy.put');
  for (const entry of asked) counts.set(entryKey(entry), (counts.get(entryKey(entry)) ?? 0) + 1);
  for (const [key, count] of counts) {
    const possible = changes.filter(({ action, outcome }) => outcome !== 'fail' && changeKey(action) === key).length;
    if (count > possible) yield `${count} entries for ${possible} requests: ${key}`;
  }
}

/** C1: what was acknowledged last of a tag or manifest, and nothing else, is what every region shows in the end. */
export const nothingAcknowledgedIsLost: Checker = (evidence) => finding('C1 lost push', [...lost(evidence)]);

function* lost({ operations, journal, regions, primary }: Evidence): Generator<string> {
  const kept = isKept(journal, 'at last');
  for (const { action, outcome, seq = 0, id } of operations) {
    if (action.kind !== 'push' || outcome !== 'ok') continue;
    const later = journal.entries.filter((entry) => entry.seq > seq && entry.repository === action.repository);
    const deleted = later.some((entry) => entry.type === 'manifest.delete' && entry.digest === action.digest);
    for (const [region, state] of regions) {
      if (region !== primary && kept(region, action.repository)) continue;
      const manifest = state.manifests.get(`${action.repository}@${action.digest}`);
      if (!deleted && manifest?.live !== true) yield `${region} has no manifest of push #${id} (${seq})`;
      for (const tag of action.tags) {
        const moved = later.some((entry) => entry.tag === tag || entry.tags?.includes(tag));
        const found = state.tags.get(`${action.repository}:${tag}`);
        if (!moved && found?.digest !== action.digest) yield `${region} has no tag ${tag} of push #${id} (${seq})`;
      }
    }
  }
}

function changeKey(action: Operation['action']): string | undefined {
  switch (action.kind) {
    case 'push':
      return `put ${action.repository}@${action.digest} ${[...action.tags].sort().join(',')}`;
    case 'delete-tag':
      return `untag ${action.repository}:${action.tag}`;
    case 'delete-manifest':
      return `delete ${action.repository}@${action.digest}`;
    default:
      return undefined;
  }
}

function entryKey({ type, repository, digest, tag, tags = [] }: JournalEntry): string {
  if (type === 'tag.delete') return `untag ${repository}:${tag}`;
  if (type === 'manifest.delete') return `delete ${repository}@${digest}`;
  return `put ${repository}@${digest} ${[...tags].sort().join(',')}`;
}
