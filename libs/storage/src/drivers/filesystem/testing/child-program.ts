import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const LIBS = fileURLToPath(new URL('../../../../../', import.meta.url));
const SOURCES = [
  'resilience/src',
  'storage/src',
  'storage/src/drivers/filesystem',
  'storage/src/drivers/filesystem/testing',
];

/** The driver and the programs beside this file as plain JavaScript, for processes of their own. */
export class ChildPrograms {
  private constructor(private readonly directory: string) {}

  static async compile(): Promise<ChildPrograms> {
    const directory = await mkdtemp(join(tmpdir(), 'meridian-programs-'));
    const manifest = { type: 'module', imports: { '#libs/*': './*/src/index.js' } };
    await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
    for (const folder of SOURCES) {
      for (const name of await readdir(join(LIBS, folder))) {
        if (name.endsWith('.ts') && !name.endsWith('.spec.ts')) await compileFile(join(LIBS, folder, name), directory);
      }
    }
    return new ChildPrograms(directory);
  }

  /** Starts `testing/<name>.ts`. */
  start(name: string, ...args: readonly string[]): ChildProcess {
    const program = join(this.directory, 'storage/src/drivers/filesystem/testing', `${name}.js`);
    return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

async function compileFile(source: string, directory: string): Promise<void> {
  const target = join(directory, relative(LIBS, source)).replace(/\.ts$/, '.js');
  const { code } = await transformFile(source);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}

/** Its exit status, or the signal that ended it. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? child.signalCode ?? 'SIGKILL';
}
