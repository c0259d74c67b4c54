import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EMPTY_POLICY, parsePolicy } from '#libs/geo';
import { type Entry, ObjectStoreJournal, ObjectStoreJournalReader, parseEntry } from '#libs/journal';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { applyEntry } from './apply-entry.js';
import { putPolicy } from './put-policy.js';
import { openRegionContent, type RegionContent } from './region-content.js';

const never = new AbortController().signal;
const policy = parsePolicy({ rules: [{ regions: ['ap'], repositories: 'secret/**', action: 'exclude' }] });

describe('putPolicy', () => {
  let content: RegionContent;
  let journal: ObjectStoreJournal;

  beforeEach(async () => {
    const [clock, random] = [systemClock, new SeededRandom(1)];
    const store = new MemoryObjectStore({ clock });
    content = openRegionContent({ store, clock, random });
    const reader = await ObjectStoreJournalReader.open({ store, clock }, 0, never);
    const apply = (entry: Entry, signal: AbortSignal) => applyEntry(content, entry, signal);
    journal = new ObjectStoreJournal({ store, reader, clock, random, apply, epoch: 1, onRetry: () => undefined });
  });

  afterEach(() => journal.close());

  it('is an entry of the journal, and seen when it was acknowledged', async () => {
    const placed = await putPolicy(content, journal, policy, 0, never);
    expect(await content.policies.current(never)).toEqual(placed);
    const entries: Entry[] = [];
    for await (const entry of journal.read(0, never)) entries.push(parseEntry(JSON.parse(JSON.stringify(entry))));
    expect(entries).toMatchObject([{ type: 'policy.put', policy }]);
  });

  it('overwrites nothing that its writer has not seen', async () => {
    await putPolicy(content, journal, policy, 0, never);
    await expect(putPolicy(content, journal, EMPTY_POLICY, 0, never)).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      detail: { seq: 1 },
    });
    await putPolicy(content, journal, EMPTY_POLICY, 1, never);
    expect(await content.policies.current(never)).toEqual({ seq: 2, policy: EMPTY_POLICY });
  });

  it('lets one of two writers win that have seen the same', async () => {
    const both = await Promise.allSettled([1, 2].map(() => putPolicy(content, journal, policy, 0, never)));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('is applied to a higher seq only', async () => {
    await content.policies.put({ seq: 5, policy }, never);
    await content.policies.put({ seq: 4, policy: EMPTY_POLICY }, never);
    expect(await content.policies.current(never)).toEqual({ seq: 5, policy });
  });
});
