import type { Suite } from '../lib/suite.js';
import { bigRows } from './rows/big.js';
import { costRows } from './rows/cost.js';
import { joiningRow } from './rows/joining.js';
import { pullRows } from './rows/pull.js';
import { smallRows } from './rows/small.js';
import { waitingRow } from './rows/waiting.js';

/** Three regions and the lines between them: how soon what was pushed is there, for how many bytes and how much work. */
export const replicationSuite: Suite = {
  name: 'replication',
  summary: 'three regions, 40 ms each way and 200 Mbit/s between any two, beside what that line can do',
  document: 'docs/benchmarks.md',
  section: 'replication',
  picture: 'docs/images/benchmarks-replication.svg',
  contenders: {
    meridian: 'three regions of a registry, a replicator and a Redis each, on directories',
    'meridian-one-layer': 'the same; the image is one layer, not eight',
    'meridian-cut-off': 'the same; the region that is asked cannot reach any other',
    'meridian-pull-only': 'the same; the replicator of the region that is asked is down',
    'far-primary': 'the same image from the primary, over the line',
    'one-stream': 'limit: a plain stream over the line with its windows of 64 KB',
    line: 'limit: a plain stream over the line with a window as large as it needs',
  },
  rows: [...smallRows, ...bigRows, ...pullRows, joiningRow, ...costRows, waitingRow],
};
