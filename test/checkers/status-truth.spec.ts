import { describe, expect, it } from '@jest/globals';
import type { JournalEntry } from './journal-state.js';
import type { RegionState } from './region-state.js';
import { progressIsTrue } from './status-truth.js';

const entry = (seq: number, type: string, more: Partial<JournalEntry>): JournalEntry => ({
  ...{ seq, type, epoch: 1, repository: 'app' },
  ...more,
});

/** An image is pushed and deleted, then another one. */
const entries = [
  entry(1, 'manifest.put', { digest: 'sha256:1', tags: ['v1'] }),
  entry(2, 'manifest.delete', { digest: 'sha256:1', tags: ['v1'] }),
  entry(3, 'manifest.put', { digest: 'sha256:3', tags: [] }),
];

type Held = readonly [seq: number, live: boolean];

function holding(
  held: { readonly first?: Held; readonly tag?: Held; readonly last?: Held },
  progress: Pick<RegionState, 'watermark' | 'followedFrom'>,
): RegionState {
  const manifests = [
    ['app@sha256:1', held.first],
    ['app@sha256:3', held.last],
  ] as const;
  const tags = held.tag === undefined ? [] : [held.tag];
  return {
    tags: new Map(tags.map(([seq, live]) => ['app:v1', { seq, digest: live ? 'sha256:1' : undefined }])),
    manifests: new Map(
      manifests.flatMap(([key, at]) =>
        at === undefined ? [] : [[key, { seq: at[0], live: at[1], blobs: [], children: [], whole: true }]],
      ),
    ),
    ...{ links: new Map(), referrers: new Map(), catalog: [], blobs: new Map(), policies: [], beyond: [] },
    ...progress,
  };
}

const all = { first: [2, false], tag: [2, false], last: [3, true] } as const;

describe('C11, what a region says it has applied', () => {
  it.each<readonly [string, Parameters<typeof holding>, boolean, number]>([
    ['is all there', [all, { watermark: 3 }], false, 0],
    ['is missing', [{}, { watermark: 1 }], false, 2],
    ['is missing, and was not said to be there', [{}, { watermark: 0 }], false, 0],
    ['has no tombstone', [{ last: [3, true] }, { watermark: 3 }], false, 4],
    [
      'came with a snapshot, which has no tombstones',
      [{ last: [3, true] }, { watermark: 3, followedFrom: 2 }],
      true,
      0,
    ],
    [
      'is older than the snapshot',
      [
        { ...all, first: [1, true] },
        { watermark: 3, followedFrom: 2 },
      ],
      true,
      1,
    ],
    ['came with a snapshot, but for its deletion', [{ last: [3, true] }, { watermark: 3, followedFrom: 1 }], true, 2],
    ['came with who knows which snapshot', [{ last: [3, true] }, { watermark: 3 }], true, 0],
  ])('%s', (_, [held, progress], isRefilled, found) => {
    const refilled = isRefilled ? ['ap'] : [];
    const problems = progressIsTrue('ap', holding(held, progress), { journal: { entries, damage: [] }, refilled });
    expect(problems).toHaveLength(found);
  });
});
