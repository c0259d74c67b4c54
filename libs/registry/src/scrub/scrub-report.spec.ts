import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { freshScrub, noteDamage, noteRepair } from './scrub-report.js';

const blob = (number: number) => {
  const digest = digestOf(`blob ${number}`);
  return { kind: 'blob', digest, expected: digest, found: 'nothing', foundMs: 0 } as const;
};

describe('the report of a scrub', () => {
  it('counts all that was found and repaired, although it names only the first of them', () => {
    const report = freshScrub('a', 0, 0);
    for (let number = 0; number < 1_000; number += 1) {
      expect(noteDamage(report, blob(number))).toBe(true);
      if (number % 2 === 0) noteRepair(report, blob(number));
    }
    expect([report.damaged, report.repaired, report.findings.length]).toEqual([1_000, 500, 500]);
    expect(report.findings.filter(({ repaired }) => repaired)).toHaveLength(250);
  });

  it('counts once what is found in both phases, and repaired in the second', () => {
    const report = freshScrub('a', 0, 0);
    noteDamage(report, blob(1));
    expect(noteDamage(report, { ...blob(1), kind: 'missing' })).toBe(false);
    noteRepair(report, blob(1));
    noteRepair(report, blob(1));
    expect([report.damaged, report.repaired]).toEqual([1, 1]);
  });
});
