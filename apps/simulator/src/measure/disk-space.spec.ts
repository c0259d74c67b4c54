import { describe, expect, it } from '@jest/globals';
import { parseMeasureArguments } from './arguments.js';
import { neededBytes, requireDiskSpace } from './disk-space.js';

const extentOf = (...args: readonly string[]) => parseMeasureArguments(args).extent;

describe('the disk that a measurement takes', () => {
  it('is one copy in each region, and one more for each fresh push', () => {
    expect(neededBytes(extentOf('--sizes', 'small', '--rounds', '0'), 3)).toBe(30_000_000);
    expect(neededBytes(extentOf('--sizes', 'small', '--rounds', '1'), 3)).toBe(210_000_000);
  });

  it('is asked for before anything begins', async () => {
    await expect(requireDiskSpace(extentOf('--rounds', '10000'), 3)).rejects.toThrow(
      /are needed: name another directory/,
    );
    await expect(requireDiskSpace(extentOf('--quick', '--rounds', '0'), 3)).resolves.toBeUndefined();
  });
});
