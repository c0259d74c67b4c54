import { describe, expect, it } from '@jest/globals';
import {
  countReplicaWrites,
  countWrites,
  crashPrimary,
  crashReplicator,
  MOMENTS,
  REPLICA_STARTS,
} from './crash-everywhere.js';
import { CRASH_SCENARIOS } from './crash-scenarios.js';

describe('a primary that dies at any of its writes', () => {
  it.each(CRASH_SCENARIOS)('keeps what it acknowledged and shows nothing by halves: $name', async (scenario) => {
    const writes = await countWrites(scenario);
    expect(writes).toBeGreaterThan(0);
    for (let number = 1; number <= writes; number += 1) {
      for (const moment of MOMENTS) {
        const problems = await crashPrimary(scenario, number, moment);
        expect({ number, moment, problems }).toEqual({ number, moment, problems: [] });
      }
    }
  });
});

describe('a replica whose worker dies at any of its writes', () => {
  it.each(REPLICA_STARTS)('is never ahead of itself, and ends where the primary is, from its %s', async (from) => {
    const writes = await countReplicaWrites(from);
    expect(writes).toBeGreaterThan(20);
    for (let number = 1; number <= writes; number += 1) {
      for (const moment of MOMENTS) {
        const problems = await crashReplicator(from, number, moment);
        expect({ number, moment, problems }).toEqual({ number, moment, problems: [] });
      }
    }
  });
});
