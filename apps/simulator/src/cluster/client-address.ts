import type { RegionPlan } from './plan.js';

/**
 * The address that a region's clients have in this simulation. The line from a region to the router speaks from it, so
 * that the router knows where an ordinary client stands, which sends no header of ours.
 */
export function clientAddress(region: Pick<RegionPlan, 'index'>): string {
  return `127.77.0.${region.index + 1}`;
}

/** All of 127.0.0.0/8 is on Linux's loopback; elsewhere only 127.0.0.1 is. */
export function canSpeakFromClientAddress(): boolean {
  return process.platform === 'linux';
}
