import { describe, expect, it } from '@jest/globals';
import { figureLine, isMet, passes, verdictLine } from './verdict.js';

describe('a verdict', () => {
  it.each([
    [{ seen: 5, atMost: 5 }, true],
    [{ seen: 6, atMost: 5 }, false],
    [{ seen: 5, atLeast: 5 }, true],
    [{ seen: 4, atLeast: 5 }, false],
    [{ seen: 4 }, true],
    [{ seen: Number.NaN, atMost: 5 }, false],
    [{ seen: Number.NaN, atLeast: 5 }, false],
  ])('of %j is %s', (figure, met) => {
    expect(isMet({ name: 'a', ...figure })).toBe(met);
  });

  it('names what was not kept to', () => {
    const figures = [
      { name: 'lost', seen: 1, atMost: 0 },
      { name: 'pushes', seen: 100 },
    ];
    expect(passes({ what: '3 rounds', figures, notes: [] })).toBe(false);
    expect(verdictLine({ what: '3 rounds', figures, notes: [] })).toBe('FAIL: 3 rounds: lost');
    expect(verdictLine({ what: '3 rounds', figures: [], notes: [] })).toBe('PASS: 3 rounds');
    expect(figures.map(figureLine)).toEqual([
      expect.stringMatching(/^- lost +1 {2}at most 0$/),
      expect.stringMatching(/^ {2}pushes +100$/),
    ]);
  });
});
