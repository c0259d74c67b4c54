import { type Evidence, finding, type Violation } from './evidence.js';
import type { Operation } from './history.js';
import { earliestMoment, manifestTimelines, type TagMoment, tagTimelines } from './tag-timeline.js';

/** A read of one register, tag or manifest, that was answered. */
interface Read {
  readonly key: string;
  readonly operation: Operation;
}

/**
 * C2, and C9: whoever reads at the primary, or through the router, sees nothing older than what was acknowledged before
 * the read began, or than what an earlier such read saw. `via` chooses the reads; `writes` the writes that count.
 */
export function readsAreRecent(
  evidence: Evidence,
  checker: string,
  choose: { readonly reads: (read: Operation) => boolean; readonly writes: (write: Operation) => boolean },
): readonly Violation[] {
  const timelines = new Map([...tagTimelines(evidence.journal), ...manifestTimelines(evidence.journal)]);
  const writes = evidence.operations
    .filter(({ outcome, seq }) => outcome === 'ok' && seq !== undefined)
    .filter(choose.writes);
  const reads = readsOf(evidence).filter(({ operation }) => choose.reads(operation));
  return finding(checker, [...problems(timelines, writes, reads)]);
}

/**
 * C3: a tag that a region shows never gets older (I5). Counted is what it showed of its own: what it has not got yet it asks
 * of the primary, which may be ahead of what it gets next. A region whose bucket was lost begins a new life.
 */
export function regionsNeverGoBack(evidence: Evidence): readonly Violation[] {
  const timelines = new Map([...tagTimelines(evidence.journal), ...manifestTimelines(evidence.journal)]);
  const whats = [...evidence.regions.keys()].flatMap((region) => {
    const reads = readsOf(evidence).filter(
      ({ operation }) =>
        operation.region === region && operation.action.kind === 'read-tag' && operation.fetched !== true,
    );
    const lives = livesOf(region, evidence, reads);
    return lives.flatMap((life) => [...problems(timelines, [], life)].map((what) => `${region}: ${what}`));
  });
  return finding('C3 monotonic per region', whats);
}

/** Reads between two losses of the bucket; those during one count for neither. */
function livesOf(region: string, { lost = [] }: Evidence, reads: readonly Read[]): readonly (readonly Read[])[] {
  const ends = [...lost.filter((each) => each.region === region).map(({ atMs }) => atMs), Number.POSITIVE_INFINITY];
  return ends.map((endMs, index) => {
    const beginMs = ends[index - 1] ?? 0;
    return reads.filter(({ operation }) => operation.startMs >= beginMs && operation.endMs < endMs);
  });
}

function* problems(
  timelines: ReadonlyMap<string, readonly TagMoment[]>,
  writes: readonly Operation[],
  reads: readonly Read[],
): Generator<string> {
  const byKey = new Map<string, Read[]>();
  for (const read of reads) byKey.set(read.key, [...(byKey.get(read.key) ?? []), read]);
  for (const [key, ofKey] of byKey) {
    const timeline = timelines.get(key) ?? [{ seq: 0, digest: undefined }];
    const acknowledged = writes.filter(({ seq }) => timeline.some((moment) => moment.seq === seq));
    const seen: { readonly endMs: number; readonly seq: number; readonly id: number }[] = [];
    for (const { operation } of ofKey.toSorted((a, b) => a.operation.startMs - b.operation.startMs)) {
      const floors = [
        ...acknowledged.filter(({ endMs }) => endMs < operation.startMs).map(({ seq = 0, id }) => ({ seq, id })),
        ...seen.filter(({ endMs }) => endMs < operation.startMs),
      ];
      const floor = floors.reduce((highest, each) => (each.seq > highest.seq ? each : highest), { seq: 0, id: 0 });
      const moment = earliestMoment(timeline, operation.digest, floor.seq);
      if (moment === undefined) {
        yield `#${operation.id} read ${key} as ${operation.digest ?? 'absent'}, older than ${floor.seq} of #${floor.id}`;
      } else {
        seen.push({ endMs: operation.endMs, seq: moment.seq, id: operation.id });
      }
    }
  }
}

function readsOf({ operations }: Evidence): readonly Read[] {
  return operations.flatMap((operation) => {
    const { action, outcome } = operation;
    if (outcome !== 'ok') return [];
    if (action.kind === 'read-tag') return [{ key: `${action.repository}:${action.tag}`, operation }];
    if (action.kind === 'read-manifest') return [{ key: `${action.repository}@${action.digest}`, operation }];
    return [];
  });
}
