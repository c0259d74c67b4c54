import { cpuSeconds, forgetPeak, peakMiB } from '../lib/process-usage.js';
import type { Values } from '../lib/suite.js';
import type { Contender } from './field.js';

/** What `work` took: seconds by the clock, processor seconds of the server and of the store behind it, peak memory. */
export interface Usage {
  readonly seconds: number;
  readonly cpu: number;
  readonly storeCpu: number;
  readonly peak: number;
}

export async function usageOf({ pid, storePid }: Contender, work: () => Promise<unknown>): Promise<Usage> {
  await forgetPeak(pid);
  const before = await Promise.all([cpuSeconds(pid), storePid === undefined ? 0 : cpuSeconds(storePid)]);
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const after = await Promise.all([cpuSeconds(pid), storePid === undefined ? 0 : cpuSeconds(storePid)]);
  return { seconds, cpu: after[0] - before[0], storeCpu: after[1] - before[1], peak: await peakMiB(pid) };
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
