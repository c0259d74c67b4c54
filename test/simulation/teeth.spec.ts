import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { PLANTED_BUGS } from './planted-bugs.js';
import { catchBug, plantedBugs } from './teeth.js';

describe('the checkers', () => {
  it.each(plantedBugs().map((bug) => [bug, PLANTED_BUGS[bug]] as const))('find %s: %s', async (bug) => {
    expect(await catchBug(bug, { operations: 120, limit: 100 })).toMatchObject({ bug });
  });

  it('are listed with what they find in docs/testing.md', () => {
    const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
    const [, section = ''] = page.split('## Do the checkers see anything?');
    const rows = [...section.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual([...plantedBugs()].sort());
  });
});
