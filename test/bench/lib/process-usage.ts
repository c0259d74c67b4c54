import { readFile, writeFile } from 'node:fs/promises';

/** Of `/proc/<pid>/stat`; Linux has had 100 a second for programs on every machine that this runs on. */
const TICKS_PER_SECOND = 100;

/** Processor time that a process used so far, its threads included. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold anything; utime and stime are the 14th and 15th field (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Most memory that was resident since `forgetPeak`, in MiB. */
export async function peakMiB(pid: number): Promise<number> {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** proc(5), clear_refs: 5 resets the peak to what is resident now. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** Bytes that a process gave to the file system so far. */
export async function writtenBytes(pid: number): Promise<number> {
  const [, bytes] = /^write_bytes: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8')) ?? [];
  return Number(bytes);
}
