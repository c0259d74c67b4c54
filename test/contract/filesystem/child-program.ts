import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { transformFile } from '@swc/core';
import { ROOT } from '../../support/process.js';

const SOURCES = ['libs/oci/src', 'libs/resilience/src', 'libs/storage/src', 'test/contract/filesystem'];

/** The storage driver of this working tree, and the programs beside this file, as JavaScript that Node can run. */
export class ChildPrograms {
  private constructor(private readonly directory: string) {}

  static async compile(): Promise<ChildPrograms> {
    const directory = await mkdtemp(join(tmpdir(), 'meridian-programs-'));
    const manifest = { type: 'module', imports: { '#libs/*': './libs/*/src/index.js' } };
    await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const folder of SOURCES) {
      for (const name of await readdir(join(ROOT, folder), { recursive: true })) {
        if (isSource(name)) await compileFile(join(ROOT, folder, name), directory);
      }
    }
    return new ChildPrograms(directory);
  }

  /** Starts `<name>.ts` from the folder of this file. */
  start(name: string, ...args: readonly string[]): ChildProcess {
    const program = join(this.directory, 'test/contract/filesystem', `${name}.js`);
    return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

function isSource(name: string): boolean {
  return name.endsWith('.ts') && !name.endsWith('.spec.ts') && !name.includes('testing');
}

async function compileFile(source: string, directory: string): Promise<void> {
  const target = join(directory, relative(ROOT, source)).replace(/\.ts$/, '.js');
  const { code } = await transformFile(source);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}

/** Its exit status, or the signal that ended it. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? child.signalCode ?? 'SIGKILL';
}
