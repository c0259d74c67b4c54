import { describe, expect, it } from '@jest/globals';
import type { Entry, ManifestPut } from '#libs/journal';
import { freshProgress } from './progress-store.js';
import { RegionStanding } from './region-standing.js';

const entry = (seq: number, repository: string) =>
  ({ type: 'manifest.put', repository, seq, epoch: 1, timeMs: seq }) as unknown as Entry;

function standingAfter(...entries: readonly Entry[]): RegionStanding {
  const standing = new RegionStanding(freshProgress('g'));
  for (const each of entries) {
    standing.expect(each.seq);
    standing.begin(each);
    standing.take(each.seq);
  }
  return standing;
}

const settled = (standing: RegionStanding) => standing.progress({ bytes: 0, failed: [] }).settled;

describe('what is settled', () => {
  it('is all that was taken up, but for repositories with entries that are not applied', () => {
    const standing = standingAfter(entry(1, 'slow'), entry(2, 'quick'), entry(3, 'slow'));
    expect(settled(standing)).toEqual({ upTo: 3, except: ['slow', 'quick'] });
    standing.apply(2);
    standing.apply(3);
    expect(settled(standing)).toEqual({ upTo: 3, except: ['slow'] });
    standing.apply(1);
    expect(settled(standing)).toEqual({ upTo: 3, except: [] });
  });

  it('is not said when something that was taken up cannot be read, or concerns every repository', () => {
    const unreadable = standingAfter(entry(1, 'a'));
    unreadable.setAside(2, 'of a newer release');
    expect(settled(unreadable)).toBeUndefined();
    const sweep = { type: 'blobs.sweep', seq: 1, epoch: 1, timeMs: 1 } as unknown as Entry;
    expect(settled(standingAfter(sweep))).toBeUndefined();
  });

  it('is not said when too many repositories would have to be named', () => {
    const many = Array.from({ length: 101 }, (_, index) => entry(index + 1, `r${index}`));
    expect(settled(standingAfter(...many.slice(0, 100)))?.except).toHaveLength(100);
    expect(settled(standingAfter(...many))).toBeUndefined();
  });

  it('goes on from stored progress', () => {
    const standing = new RegionStanding({ ...freshProgress('g'), watermark: 5, beyond: [8], head: 9 });
    expect(settled(standing)).toEqual({ upTo: 5, except: [] });
  });
});

describe('what is coming', () => {
  it('is what was put and is not applied yet, unless its deletion stands for it', () => {
    const put = { ...entry(1, 'app'), digest: 'sha256:a' } as unknown as ManifestPut & Entry;
    const { repository, digest } = put;
    const standing = standingAfter(put);
    expect(standing.isComing(repository, digest)).toBe(true);
    const deletion = { ...put, type: 'manifest.delete' } as unknown as Entry;
    standing.replace(deletion);
    expect(standing.isComing(repository, digest)).toBe(false);
    expect(standing.pending).toEqual([deletion]);
    standing.apply(1);
    expect(standing.pending).toEqual([]);
  });

  it('is not what stands for an entry that is not under way any more', () => {
    const standing = standingAfter(entry(1, 'app'));
    standing.leave(1);
    standing.replace(entry(1, 'app'));
    expect(standing.pending).toEqual([]);
  });
});

describe('how far a region reaches', () => {
  it('is as far as anything was applied before it began anew, whatever it has taken up since', () => {
    const standing = new RegionStanding({ ...freshProgress('g'), watermark: 5, beyond: [7, 8], head: 9 });
    expect(standing.reach).toBe(8);
    standing.begin(entry(6, 'a'));
    standing.take(6);
    standing.apply(6);
    expect(standing.reach).toBe(8);
  });
});

describe('what lies before a place', () => {
  const isMeant = (each: Entry) => 'repository' in each && each.repository === 'meant';

  it('is here when all of it was taken up, and what is meant is applied, but for what is beyond', () => {
    const standing = standingAfter(entry(1, 'other'), entry(2, 'meant'));
    expect(standing.hasAllBefore(4, isMeant)).toBe(false);
    standing.begin(entry(3, 'meant'));
    standing.take(3);
    standing.apply(2);
    expect([standing.hasAllBefore(3, isMeant), standing.hasAllBefore(4, isMeant)]).toEqual([true, false]);
    standing.beginAgain(entry(2, 'meant'));
    expect(standing.hasAllBefore(3, isMeant)).toBe(false);
  });

  it('may come with a snapshot until that is taken in', () => {
    const standing = standingAfter();
    const none = { done: 0, total: 0 };
    standing.beginFilling({ seq: 5, images: none, bytes: none, estimateSeconds: undefined }, 0, 5);
    expect(standing.hasAllBefore(4, isMeant)).toBe(false);
    standing.endFilling();
    expect(standing.hasAllBefore(4, isMeant)).toBe(true);
  });
});
