import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Problem } from '../problem.js';
import { SOURCES } from '../target/target.js';
import { planOf } from './image-sizes.js';
import type { Extent } from './measurement.js';

const BYTES_PER_GIGABYTE = 1_000_000_000;

/** What all regions together keep in the end: nothing is collected meanwhile. Shared bases are counted each time. */
export function neededBytes({ sizes, scale, rounds }: Extent, regions: number): number {
  return sizes.reduce((sum, size) => {
    const { base, own } = planOf(size, scale);
    const bytes = [...base, ...own].reduce((total, layer) => total + layer, 0);
    return sum + bytes * regions * (1 + rounds[size] * (regions - 1) * SOURCES.length);
  }, 0);
}

/** @throws Problem where the temporary directory is too small for a cluster with all the images */
export async function requireDiskSpace(extent: Extent, regions: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const [free, needed] = [bavail * bsize, neededBytes(extent, regions)];
  if (free >= needed) return;
  const gigabytes = (bytes: number): string => `${(bytes / BYTES_PER_GIGABYTE).toFixed(1)} GB`;
  throw new Problem(
    `${tmpdir()} has ${gigabytes(free)} free, and ${gigabytes(needed)} are needed: name another directory in TMPDIR, or ask for less with --sizes, --rounds or --quick`,
  );
}
