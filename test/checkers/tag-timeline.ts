import type { JournalState } from './journal-state.js';

/** What a tag was, from each entry on that changed it. */
export interface TagMoment {
  readonly seq: number;
  readonly digest: string | undefined;
}

/** The states of every tag by `<repository>:<tag>`, as the journal's order gives them; each begins as absent at 0. */
export function tagTimelines({ entries }: JournalState): ReadonlyMap<string, readonly TagMoment[]> {
  const timelines = new Map<string, TagMoment[]>();
  for (const entry of entries) {
    const tags = entry.type === 'tag.delete' && entry.tag !== undefined ? [entry.tag] : (entry.tags ?? []);
    const digest = entry.type === 'manifest.put' ? entry.digest : undefined;
    for (const tag of tags) {
      const key = `${entry.repository}:${tag}`;
      const timeline = timelines.get(key) ?? [{ seq: 0, digest: undefined }];
      timelines.set(key, [...timeline, { seq: entry.seq, digest }]);
    }
  }
  return timelines;
}

/** The states of every manifest by `<repository>@<digest>`: live or not. */
export function manifestTimelines({ entries }: JournalState): ReadonlyMap<string, readonly TagMoment[]> {
  const timelines = new Map<string, TagMoment[]>();
  for (const { type, repository, digest, seq } of entries) {
    if (type !== 'manifest.put' && type !== 'manifest.delete') continue;
    const key = `${repository}@${digest}`;
    const timeline = timelines.get(key) ?? [{ seq: 0, digest: undefined }];
    timelines.set(key, [...timeline, { seq, digest: type === 'manifest.put' ? digest : undefined }]);
  }
  return timelines;
}

/** The earliest moment at which a reader that must not be older than `floor` could have seen `digest`. */
export function earliestMoment(
  timeline: readonly TagMoment[],
  digest: string | undefined,
  floor: number,
): TagMoment | undefined {
  return timeline.find((moment, index) => {
    const until = timeline[index + 1]?.seq ?? Number.POSITIVE_INFINITY;
    return moment.digest === digest && until > floor;
  });
}
