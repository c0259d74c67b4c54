import { describe, expect, it } from '@jest/globals';
import { figure } from './table.js';

describe('figure', () => {
  it.each<[number, string]>([
    [0, '0.00'],
    [0.0004, '0.00'],
    [0.0965, '0.0965'],
    [0.5, '0.500'],
    [2.5, '2.50'],
    [42.21, '42.2'],
    [999.4, '999'],
    [21_782.3, '21,782'],
    [1_234_567, '1,234,567'],
    [Number.NaN, '–'],
  ])('%d is shown as %s', (value, expected) => {
    expect(figure(value)).toBe(expected);
  });
});
