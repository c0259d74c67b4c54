import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';

export const machineSchema = z.object({
  processor: z.string(),
  cores: z.number(),
  memoryGiB: z.number(),
  system: z.string(),
  node: z.string(),
  revision: z.string(),
});

/** What figures depend on. */
export type Machine = z.infer<typeof machineSchema>;

const BYTES_PER_GIB = 1024 ** 3;

export async function describeMachine(): Promise<Machine> {
  const [first] = cpus();
  return {
    processor: first?.model.trim() || 'an unnamed processor',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / BYTES_PER_GIB),
    system: `${type()} ${release()}`,
    node: process.version,
    revision: await revision(),
  };
}

async function revision(): Promise<string> {
  try {
    return (await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD'])).stdout.trim();
  } catch {
    return 'unknown';
  }
}
