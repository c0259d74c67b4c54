import { cpuSeconds, forgetPeak, peakMiB } from '../lib/process-usage.js';
import type { Values } from '../lib/suite.js';
import type { Contender } from './field.js';

/** What `work` took: seconds by the clock, processor seconds of the server and of the store behind it, peak of a process. */
export interface Usage {
  readonly seconds: number;
  readonly cpu: number;
  readonly storeCpu: number;
  readonly peak: number;
}

export async function usageOf(contender: Contender, work: () => Promise<unknown>): Promise<Usage> {
  const { pids, storePid } = contender;
  await Promise.all(pids.map(forgetPeak));
  const [cpuBefore, storeBefore] = [await cpuOf(pids), await cpuOf(storePid === undefined ? [] : [storePid])];
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const cpu = (await cpuOf(pids)) - cpuBefore;
  const storeCpu = (await cpuOf(storePid === undefined ? [] : [storePid])) - storeBefore;
  return { seconds, cpu, storeCpu, peak: Math.max(...(await Promise.all(pids.map(peakMiB)))) };
}

async function cpuOf(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(cpuSeconds));
  return each.reduce((sum, seconds) => sum + seconds, 0);
}

/** MB (10^6) a second, processor seconds per GB (10^9), MiB. */
export function perByte({ seconds, cpu, storeCpu, peak }: Usage, bytes: number): Values {
  const gigabytes = bytes / 1e9;
  return { rate: bytes / 1e6 / seconds, cpu: cpu / gigabytes, storeCpu: storeCpu / gigabytes, peak };
}

/** Requests a second, processor microseconds per request, MiB. */
export function perRequest({ seconds, cpu, storeCpu, peak }: Usage, requests: number): Values {
  return { rate: requests / seconds, cpu: (cpu * 1e6) / requests, storeCpu: (storeCpu * 1e6) / requests, peak };
}
