import { MIB } from '../lib/blob.js';
import type { Size } from '../lib/suite.js';

/**
 * What a process does in its first minutes is not what an idle region costs: it compiles what runs often, and gives back
 * memory in up to three full collections, each worth half a minute of idling.
 */
const SETTLED = 240;

/** What each size of a run means. Names say the unit. */
export const SIZES = {
  quick: {
    images: 12,
    burst: 40,
    sharing: 20,
    big: 64 * MIB,
    windowed: 64 * MIB,
    settlingSeconds: 3,
    idleSeconds: 8,
    joining: 1_000,
  },
  usual: {
    images: 60,
    burst: 200,
    sharing: 50,
    big: 256 * MIB,
    windowed: 1024 * MIB,
    settlingSeconds: SETTLED,
    idleSeconds: 30,
    joining: 2_000,
  },
  full: {
    images: 200,
    burst: 200,
    sharing: 50,
    big: 256 * MIB,
    windowed: 1024 * MIB,
    settlingSeconds: SETTLED,
    idleSeconds: 30,
    joining: 5_000,
  },
} as const satisfies Record<Size, object>;
