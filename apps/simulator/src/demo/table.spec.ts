import { describe, expect, it } from '@jest/globals';
import { colourStyle, plainStyle } from '../terminal.js';
import { median, type RegionResult, timeSavedPercent } from './measure.js';
import { renderTable } from './table.js';

const RESULTS: readonly RegionResult[] = [
  {
    region: 'eastus',
    servedBy: 'eastus',
    router: { firstByteMs: 9.4, wholeMs: 60 },
    primary: { firstByteMs: 4.5, wholeMs: 50 },
    timeSavedPercent: undefined,
  },
  {
    region: 'southeastasia',
    servedBy: 'southeastasia',
    router: { firstByteMs: 450, wholeMs: 980 },
    primary: { firstByteMs: 445, wholeMs: 2_344 },
    timeSavedPercent: 58,
  },
  {
    region: 'westeurope',
    servedBy: 'eastus',
    router: { firstByteMs: 300, wholeMs: 1_100 },
    primary: { firstByteMs: 170, wholeMs: 1_000 },
    timeSavedPercent: -10,
  },
];

describe('the table', () => {
  it('lines names up at the left and numbers at the right', () => {
    expect(renderTable(RESULTS, plainStyle)).toEqual([
      '                through the router                         from the primary',
      'region          served by       first byte   whole image   first byte   whole image   how much faster',
      '─────────────────────────────────────────────────────────────────────────────────────────────────────',
      'eastus          eastus                9 ms         60 ms         5 ms         50 ms    is the primary',
      'southeastasia   southeastasia       450 ms        980 ms       445 ms        2.34 s              58 %',
      'westeurope      eastus              300 ms        1.10 s       170 ms        1.00 s       10 % slower',
    ]);
  });

  it('is as wide in colour as without', () => {
    const codes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    const visible = renderTable(RESULTS, colourStyle).map((line) => line.replaceAll(codes, ''));
    expect(visible).toEqual(renderTable(RESULTS, plainStyle));
  });
});

describe('what is made of several pulls', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2],
    [[7], 7],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it.each([
    [1_000, 250, 75],
    [1_000, 1_000, 0],
    [1_000, 1_100, -10],
  ])('from %d ms to %d ms saves %d %%', (before, now, percent) => {
    expect(timeSavedPercent({ firstByteMs: 0, wholeMs: before }, { firstByteMs: 0, wholeMs: now })).toBe(percent);
  });
});
