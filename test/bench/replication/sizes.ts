import { MIB } from '../lib/blob.js';
import type { Size } from '../lib/suite.js';

/** What each size of a run means. Names say the unit. */
export const SIZES = {
  quick: { images: 12, burst: 40, sharing: 20, big: 64 * MIB, windowed: 64 * MIB, idleSeconds: 8, joining: 1_000 },
  usual: { images: 60, burst: 200, sharing: 50, big: 256 * MIB, windowed: 256 * MIB, idleSeconds: 30, joining: 2_000 },
  full: { images: 200, burst: 200, sharing: 50, big: 256 * MIB, windowed: 1024 * MIB, idleSeconds: 30, joining: 5_000 },
} as const satisfies Record<Size, object>;
