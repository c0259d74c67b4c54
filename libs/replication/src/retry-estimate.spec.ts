import { expect, it } from '@jest/globals';
import type { RegionStatus } from '#libs/peer';
import { retryAfterSeconds } from './retry-estimate.js';

const MB = 1_000_000;

it.each([
  ['next to nothing is missing', { backlog: 1_000, rate: MB }, 1],
  ['it comes in twelve seconds', { backlog: 12 * MB, rate: MB }, 12],
  ['nothing came lately', { backlog: 80 * 1024 ** 2 }, 10],
  ['its copies are held to less', { backlog: 12 * MB, rate: 2 * MB, limit: MB }, 12],
  ['it takes longer than anybody can say', { backlog: 1e12, rate: MB }, 60],
  ['it is paused', { backlog: 1_000, rate: MB, paused: 7 }, 60],
])('asks to come back when there will be something: %s', (_what, { backlog, ...said }, expected) => {
  const { rate, limit, paused } = said as { rate?: number; limit?: number; paused?: number };
  const status = {
    backlog: { entries: 1, bytes: backlog },
    ...(rate === undefined ? {} : { throughput: { bytesPerSecond: rate, entriesPerSecond: 1 } }),
    ...(limit === undefined ? {} : { limit: { bytesPerSecond: limit } }),
    ...(paused === undefined ? {} : { pausedSinceMs: paused }),
  };
  expect(retryAfterSeconds(status as unknown as RegionStatus)).toBe(expected);
});
