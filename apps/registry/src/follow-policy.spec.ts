import { describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName } from '#libs/geo';
import { parseRepositoryName } from '#libs/oci';
import type { CurrentPolicy, PlacedPolicy } from '#libs/registry';
import { Residency } from '#libs/replication';
import { FakeClock } from '#libs/resilience/testing';
import { followPolicy } from './follow-policy.js';

const taking = parsePolicy({ rules: [{ regions: ['east'], repositories: 'ci/**', action: 'exclude' }] });
const repository = parseRepositoryName('ci/app');

async function following(stored: { current?: CurrentPolicy; enforced?: PlacedPolicy } = {}) {
  const [clock, stop, looks] = [new FakeClock(), new AbortController(), { current: 0, enforced: 0 }];
  const policies = {
    current: () => {
      looks.current += 1;
      return Promise.resolve(stored.current);
    },
    enforced: () => {
      looks.enforced += 1;
      return Promise.resolve(stored.enforced);
    },
  };
  const residency = new Residency(parseRegionName('east'));
  let changes = 0;
  const parts = { content: { policies }, context: { clock, log: { debug: () => undefined } } };
  await followPolicy(
    parts as unknown as Parameters<typeof followPolicy>[0],
    residency,
    () => {
      changes += 1;
    },
    stop.signal,
  );
  return { clock, stop, looks, stored, changes: () => changes, refuses: () => residency.refusal(repository) };
}

describe('a registry that follows the policy', () => {
  it('goes by one that takes away within half a second of its coming, at whatever moment that is', async () => {
    for (const atMs of [0, 1, 250, 499, 500]) {
      const { clock, stored, refuses, stop } = await following();
      await clock.advance(10_000 + atMs);
      stored.current = { seq: 1, policy: taking };
      await clock.advance(501);
      expect(refuses()).toBeDefined();
      stop.abort();
    }
  });

  it('looks for one thing only while there is no policy, and at what is followed once there is one', async () => {
    const { clock, looks, stored, stop } = await following();
    await clock.advance(10_100);
    expect([looks.current, looks.enforced]).toEqual([21, 1]);
    stored.current = { seq: 1, policy: taking };
    await clock.advance(10_000);
    expect(looks.enforced).toBe(21);
    stop.abort();
  });

  it('does not forget what is followed where the newest is lost', async () => {
    const placed = { seq: 1, policy: taking };
    const { clock, stored, refuses, stop } = await following({ current: placed, enforced: placed });
    expect(refuses()).toBeDefined();
    delete stored.current;
    await clock.advance(10_000);
    expect(refuses()).toBeDefined();
    stop.abort();
  });

  it('goes by what is followed alone when it starts', async () => {
    const { refuses, stop } = await following({ enforced: { seq: 1, policy: taking } });
    expect(refuses()).toBeDefined();
    stop.abort();
  });

  it('gives back when the region follows what gives', async () => {
    const placed = { seq: 1, policy: taking };
    const { clock, stored, refuses, stop } = await following({ current: placed, enforced: placed });
    stored.current = { seq: 2, policy: parsePolicy({ rules: [] }) };
    await clock.advance(1_000);
    expect(refuses()).toBeDefined();
    stored.enforced = { seq: 2, policy: parsePolicy({ rules: [] }) };
    await clock.advance(1_000);
    expect(refuses()).toBeUndefined();
    stop.abort();
  });
});
