import { MIB } from '../lib/blob.js';
import type { Size } from '../lib/suite.js';

/** What each size of a run means. Names say the unit. */
export const SIZES = {
  quick: { blob: 64 * MIB, layer: 8 * MIB, loadSeconds: 1, tags: 1_000, repositories: 200, memoryBlob: 32 * MIB },
  usual: { blob: 512 * MIB, layer: 32 * MIB, loadSeconds: 2, tags: 10_000, repositories: 1_000, memoryBlob: 128 * MIB },
  full: {
    blob: 512 * MIB,
    layer: 32 * MIB,
    loadSeconds: 5,
    tags: 100_000,
    repositories: 100_000,
    memoryBlob: 1024 * MIB,
  },
} as const satisfies Record<Size, object>;
