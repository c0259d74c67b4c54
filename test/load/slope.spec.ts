import { describe, expect, it } from '@jest/globals';
import { riseOf } from './slope.js';

const series = (values: readonly number[]) => values.map((value, index) => ({ atMs: index * 1_000, value }));

describe('riseOf', () => {
  it('sees what grows by a little each time, below a noise that is larger', () => {
    const leak = Array.from({ length: 101 }, (_, index) => 100 + index + (index % 2 === 0 ? 20 : -20));
    expect(riseOf(series(leak)).rise).toBeCloseTo(70, 0);
  });

  it('does not take a warm-up for a leak, nor a saw for a slope', () => {
    const saw = Array.from({ length: 100 }, (_, index) => (index < 20 ? index * 10 : 200 + (index % 5)));
    const { rise, mean } = riseOf(series(saw));
    expect(Math.abs(rise)).toBeLessThan(2);
    expect(mean).toBeCloseTo(202, 0);
  });

  it('says nothing of what was hardly measured', () => {
    expect(riseOf(series([1])).rise).toBeNaN();
    expect(riseOf([]).rise).toBeNaN();
  });
});
