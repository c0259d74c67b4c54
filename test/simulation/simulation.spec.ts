import { describe, expect, it } from '@jest/globals';
import { type CorpusEntry, readCorpus } from './corpus.js';
import { runSeed, type SeedRun } from './run-seed.js';

/** A share of what `npm run simulate:faults` runs: as many seeds as fit into two minutes. */
const SEEDS = 200;
const SEEDS_AT_ONCE = 10;
const OPERATIONS = 16;

function report({ seed, violations, trace }: SeedRun, { operations, rules = false }: World): string {
  const whats = violations.map(({ checker, what }) => `${checker}: ${what}`);
  const again = `npm run simulate:faults -- --seed ${seed} --operations ${operations}${rules ? ' --rules' : ''}`;
  return [...trace, ...whats.slice(0, 10), `again: ${again}`].join('\n');
}

type World = Omit<CorpusEntry, 'found'>;

async function expectNoViolations({ only, ...world }: World): Promise<void> {
  const run = await runSeed({ ...world, ...(only === undefined ? {} : { only: new Set(only) }) });
  if (run.violations.length > 0) throw new Error(report(run, world));
}

describe('a cluster that is simulated', () => {
  it('lives the same life twice from one seed, and another from another', async () => {
    const [first, again, other] = [await life(7), await life(7), await life(8)];
    expect(again).toEqual(first);
    expect(other.traceHash).not.toBe(first.traceHash);
    expect(first.faults).toBeGreaterThan(10);
  });

  it('lets nobody ask for real time or real chance', async () => {
    const running = runSeed({ seed: 1, operations: 5 });
    expect(() => Date.now()).toThrow('simulation');
    expect(() => Math.random()).toThrow('simulation');
    expect(() => setTimeout(() => undefined, 1)).toThrow('simulation');
    await running;
    expect(Date.now()).toBeGreaterThan(0);
  });

  it.each(readCorpus())('still lives through seed $seed: $found', ({ found: _, ...world }) =>
    expectNoViolations(world),
  );

  it.each(Array.from({ length: SEEDS / SEEDS_AT_ONCE }, (_, at) => 1 + at * SEEDS_AT_ONCE))(
    'breaks no promise, whatever happens to it: seeds from %i',
    async (from) => {
      for (let seed = from; seed < from + SEEDS_AT_ONCE; seed += 1)
        await expectNoViolations({ seed, operations: OPERATIONS });
    },
  );
});

async function life(seed: number) {
  const { traceHash, virtualMs, operations, faults } = await runSeed({ seed, operations: 40 });
  return { traceHash, virtualMs, operations, faults: [...faults.values()].reduce((sum, count) => sum + count, 0) };
}
