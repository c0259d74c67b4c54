import type { Drill } from './drill.js';
import { linkCut } from './link-cut.js';
import { primaryDown } from './primary-down.js';
import { redisFlush } from './redis-flush.js';
import { regionDown } from './region-down.js';
import { replicaBucketLost } from './replica-bucket-lost.js';
import { replicatorGone } from './replicator-gone.js';
import { slowLink } from './slow-link.js';

export const DRILLS: readonly Drill[] = [
  regionDown,
  linkCut,
  redisFlush,
  replicaBucketLost,
  slowLink,
  primaryDown,
  replicatorGone,
];
