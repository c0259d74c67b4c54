import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { promisify } from 'node:util';

/** What figures depend on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** File system below the temporary directory, where everything is stored. */
  readonly disk: string;
  /** Programs that wanted a core when the run began, this one aside, as a mean of five minutes. Absent in older results. */
  readonly load?: number;
  readonly day: string;
  readonly revision: string;
}

export async function describeMachine(): Promise<Machine> {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.version,
    disk: await fileSystemOf(tmpdir()),
    load: Math.round(loadavg()[1] ?? 0),
    day: new Date().toISOString().slice(0, 10),
    revision: await revision(),
  };
}

async function fileSystemOf(directory: string): Promise<string> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).trim().split('\n');
  const below = mounts
    .map((line) => line.split(' '))
    .filter(([, at = '']) => directory === at || directory.startsWith(at === '/' ? at : `${at}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length);
  const { blocks, bsize } = await statfs(directory);
  return `${below[0]?.[2] ?? 'unknown'}, ${Math.round((blocks * bsize) / 1024 ** 3)} GiB`;
}

async function revision(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD']);
    return stdout.trim();
  } catch {
    return 'unknown';
  }
}
