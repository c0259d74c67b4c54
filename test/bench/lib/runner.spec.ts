import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { inTurn, judge, runRow } from './runner.js';
import { median, percentile } from './statistics.js';
import type { Row, Wanted } from './suite.js';

describe('median and percentile', () => {
  it.each<[readonly number[], number]>([
    [[], Number.NaN],
    [[3], 3],
    [[9, 1], 5],
    [[9, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('the 99th percentile of 1 to 200 is 198', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(percentile(values, 0.99)).toBe(198);
  });
});

describe('judge', () => {
  const medians = { ours: { rate: 250, p99: 3 }, theirs: { rate: 100, p99: 6, idle: 1 } };

  it.each<[Omit<Wanted, 'of'>, number, boolean]>([
    [{ metric: 'rate', against: 'theirs', atLeast: 2.5 }, 2.5, true],
    [{ metric: 'rate', against: 'theirs', atLeast: 2.6 }, 2.5, false],
    [{ metric: 'p99', against: 'theirs', atMost: 1 }, 0.5, true],
    [{ metric: 'p99', against: 'theirs', againstMetric: 'idle', atMost: 2 }, 3, false],
    [{ metric: 'rate', atLeast: 200 }, 250, true],
    [{ metric: 'rate', against: 'nobody', atMost: 1 }, Number.NaN, false],
  ])('%j is seen as %d', (wanted, seen, met) => {
    expect(judge({ ...wanted, of: 'ours' }, medians)).toMatchObject({ seen, met });
  });
});

describe('runRow', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-bench-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('goes there and back, takes medians, leaves out who fails, and ends what it started', async () => {
    const log: string[] = [];
    const row: Row = {
      name: 'row',
      title: 'A row',
      metric: 'rate',
      unit: '/s',
      contenders: ['a', 'b', 'c'],
      wanted: [{ metric: 'rate', of: 'a', against: 'b', atLeast: 2 }],
      secondsPerRound: 1,
      open: async (scene) => {
        scene.defer(async () => log.push('first out last'));
        scene.defer(async () => log.push('ended'));
        return async (contender) => {
          log.push(contender);
          if (contender === 'c') throw new Error('not here\nand a log');
          return { rate: (contender === 'a' ? 200 : 50) + log.length };
        };
      },
    };
    const { signal } = new AbortController();
    const onFailure = (contender: string) => log.push(`${contender} failed`);
    const onSample = () => undefined;
    const result = await runRow(row, { directory, rounds: 3, size: 'quick', signal, onSample, onFailure });

    expect(log).toEqual(['a', 'b', 'c', 'c failed', 'b', 'a', 'a', 'b', 'ended', 'first out last']);
    expect(result.medians).toEqual({ a: { rate: 206 }, b: { rate: 55 } });
    expect(result.verdicts).toMatchObject([{ seen: 206 / 55, met: true }]);
    expect(result.missing).toEqual({ c: 'not here and a log' });
  });

  it('ends everything at once when it is interrupted, and what was still starting as well', async () => {
    const log: string[] = [];
    const interrupted = new AbortController();
    const row: Row = {
      ...{ name: 'row', title: 'A row', metric: 'rate', unit: '/s', contenders: ['a'], wanted: [], secondsPerRound: 1 },
      open: async (scene) => {
        const ended = new Promise<never>((_, reject) => {
          scene.defer(async () => {
            log.push('server ended');
            reject(new Error('connection lost'));
          });
        });
        return async () => {
          interrupted.abort(new Error('interrupted'));
          scene.defer(async () => log.push('late server ended'));
          return ended;
        };
      },
    };
    const options = { directory, rounds: 1, size: 'quick', signal: interrupted.signal } as const;
    const running = runRow(row, { ...options, onSample: () => undefined, onFailure: () => log.push('failed') });
    await expect(running).rejects.toThrow('interrupted');
    expect(log).toEqual(['server ended', 'late server ended']);
  });

  it('turns every second round around', () => {
    expect([0, 1, 2].map((round) => inTurn(['a', 'b'], round).join(''))).toEqual(['ab', 'ba', 'ab']);
  });
});
