import { describe, expect, it } from '@jest/globals';
import { parseBenchArguments } from '../lib/arguments.js';
import { registrySuite } from './suite.js';

describe('the registry suite', () => {
  it.each(registrySuite.rows.map((row) => [row.name, row] as const))(
    '%s asks for figures of its own contenders',
    (_, row) => {
      const known = Object.keys(registrySuite.contenders);
      expect(known).toEqual(expect.arrayContaining([...row.contenders]));
      for (const { of, against = of, atLeast, atMost } of row.wanted) {
        expect(row.contenders).toEqual(expect.arrayContaining([of, against]));
        expect([atLeast, atMost].filter((bound) => bound !== undefined)).toHaveLength(1);
      }
    },
  );

  it('has names of their own for its rows, and finds them by name', () => {
    const names = registrySuite.rows.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(parseBenchArguments(['--only', names.join()], [registrySuite]).rows).toEqual(registrySuite.rows);
    const alone = parseBenchArguments(['--contenders', 'meridian-fs'], [registrySuite]).rows;
    expect(new Set(alone.flatMap(({ contenders }) => contenders))).toEqual(new Set(['meridian-fs']));
    expect(() => parseBenchArguments(['--only', 'nothing'], [registrySuite])).toThrow(/there is no row nothing/);
  });
});
