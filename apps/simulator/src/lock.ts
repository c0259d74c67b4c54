import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { DataDirectory } from './data-directory.js';
import { messageOf, Problem, systemCodeOf } from './problem.js';

/**
 * Two simulators on one data directory would both write to the same buckets. The file says which process holds it:
 * its id and, where the system tells, when it started, because ids are used again.
 *
 * @returns what gives it back
 * @throws Problem while another simulator runs there
 */
export async function lockDataDirectory(data: DataDirectory): Promise<() => Promise<void>> {
  const mine = holder(process.pid);
  if (!(await claim(data, mine))) {
    const other = await readFile(data.lockFile, 'utf8').catch(() => '');
    if (isAlive(other)) throw heldBy(data, other);
    await rm(data.lockFile, { force: true });
    if (!(await claim(data, mine))) throw heldBy(data, await readFile(data.lockFile, 'utf8').catch(() => ''));
  }
  return () => rm(data.lockFile, { force: true });
}

async function claim(data: DataDirectory, text: string): Promise<boolean> {
  try {
    await writeFile(data.lockFile, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw new Problem(
      `the data directory ${data.path} cannot be written to (${messageOf(error)}): choose another with --data DIR`,
      { cause: error },
    );
  }
}

function heldBy(data: DataDirectory, text: string): Problem {
  const pid = text.split(' ')[0] || 'unknown';
  return new Problem(
    `another simulator (process ${pid}) is running on ${data.path}: end it, or choose another directory with --data DIR`,
  );
}

function isAlive(text: string): boolean {
  const pid = Number(text.split(' ')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return false;
  }
  return holder(pid) === text;
}

function holder(pid: number): string {
  return `${pid} ${startedAt(pid)}\n`;
}

/** proc(5): field 22 of `stat`, counted after the name, which may hold blanks. Empty where there is no such file. */
function startedAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
