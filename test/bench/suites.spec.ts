import { describe, expect, it } from '@jest/globals';
import { parseBenchArguments } from './lib/arguments.js';
import { registrySuite } from './registry/suite.js';
import { replicationSuite } from './replication/suite.js';

const SUITES = [registrySuite, replicationSuite] as const;

describe.each(SUITES.map((suite) => [suite.name, suite] as const))('the suite %s', (_name, suite) => {
  it.each(suite.rows.map((row) => [row.name, row] as const))('%s asks for figures of its own contenders', (_, row) => {
    const known = Object.keys(suite.contenders);
    expect(known).toEqual(expect.arrayContaining([...row.contenders]));
    for (const { of, against = of, atLeast, atMost } of row.wanted) {
      expect(row.contenders).toEqual(expect.arrayContaining([of, against]));
      expect([atLeast, atMost].filter((bound) => bound !== undefined)).toHaveLength(1);
    }
  });

  it('has names of their own for its rows, and finds them by name', () => {
    const names = suite.rows.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(parseBenchArguments([suite.name, '--only', names.join()], SUITES).rows).toEqual(suite.rows);
    expect(() => parseBenchArguments([suite.name, '--only', 'nothing'], SUITES)).toThrow(/there is no row nothing/);
  });
});

describe('the suites', () => {
  it('write to places of their own', () => {
    const places = SUITES.map(({ document, section }) => `${document} ${section}`);
    expect(new Set([...places, ...SUITES.map(({ picture }) => picture)]).size).toBe(2 * SUITES.length);
  });

  it('measure the named contenders alone', () => {
    const alone = parseBenchArguments(['--contenders', 'meridian-fs'], SUITES).rows;
    expect(new Set(alone.flatMap(({ contenders }) => contenders))).toEqual(new Set(['meridian-fs']));
  });
});
