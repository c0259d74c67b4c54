import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../support/process.js';

/** The ports are fixed, so there can be one run on a machine, from whichever clone. */
const FILE = join(tmpdir(), 'meridian-compose-test.pid');

/** @returns who is at it, or `undefined` when it is now this process */
export function takeTurn(): number | undefined {
  const holder = holderOf(FILE);
  if (holder !== undefined && holder !== process.pid && isRunning(holder)) return holder;
  writeFileSync(FILE, String(process.pid));
  return undefined;
}

export function endTurn(): void {
  if (holderOf(FILE) === process.pid) rmSync(FILE);
}

function holderOf(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    return undefined;
  }
}
