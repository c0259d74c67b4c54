import { readdir, readFile } from 'node:fs/promises';

/** What a process holds at one moment. */
export interface ProcessFigures {
  readonly residentBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
  readonly files: number;
}

/** proc(5); numbers of a process that is gone are none. */
export async function processFigures(pid: number): Promise<ProcessFigures> {
  const [status, files] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'), readdir(`/proc/${pid}/fd`)]);
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { residentBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM'), files: files.length };
}

/** Sums of the samples of each of these metrics, or of some of them, as an operator's port gives them. */
export async function metricSums(
  admin: string,
  names: readonly string[],
  isMeant: (sample: string) => boolean = () => true,
): Promise<readonly number[]> {
  const page = await (await fetch(`${admin}/metrics`)).text();
  const lines = page.split('\n').filter((line) => !line.startsWith('#') && isMeant(line));
  return names.map((name) => {
    const samples = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  });
}
