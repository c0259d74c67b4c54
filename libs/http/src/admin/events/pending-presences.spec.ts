import { describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import type { Entry } from '#libs/journal';
import type { RegionStatus } from '#libs/peer';
import { PendingPresences } from './pending-presences.js';

const [north, south] = [parseRegionName('north'), parseRegionName('south')];
const entry = (seq: number) => ({ type: 'tag.delete', repository: 'a', tag: 'v1', seq }) as unknown as Entry;
const at = (region: typeof north, watermark: number, beyond: readonly number[] = []) => ({
  region,
  silent: false,
  status: { watermark, beyond } as unknown as RegionStatus,
});

describe('changes that are followed to their regions', () => {
  it('are told once for each region, in whatever order they come there', () => {
    const pending = new PendingPresences(3, [north, south]);
    for (const seq of [4, 5, 6]) pending.add(entry(seq));
    expect(pending.applied(at(north, 4, [6])).map(({ seq }) => seq)).toEqual([4, 6]);
    expect(pending.applied(at(north, 6)).map(({ seq }) => seq)).toEqual([5]);
    pending.settle();
    expect(pending.told).toBe(3);
    expect(pending.applied(at(south, 5)).map(({ seq }) => seq)).toEqual([4, 5]);
    pending.settle();
    expect(pending.told).toBe(5);
    pending.applied(at(south, 6));
    pending.settle();
    expect(pending.told).toBe(6);
  });

  it('are let go, oldest first, when a region lacks too many', () => {
    const pending = new PendingPresences(0, [north]);
    for (let seq = 1; seq <= 2_000; seq += 1) expect(pending.add(entry(seq))).toBeUndefined();
    expect(pending.add(entry(2_001))).toMatchObject({ seq: 1 });
    expect(pending.told).toBe(1);
    expect(pending.applied(at(north, 2_001))).toHaveLength(2_000);
  });
});
