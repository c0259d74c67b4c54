import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { NotRun } from '../clients/engine.js';
import { ComposeProject } from './compose-project.js';
import { docker, linesOf } from './docker.js';
import { openEngine } from './engine.js';
import { endTurn, takeTurn } from './one-at-a-time.js';
import { prepare } from './prepare.js';

/** All of it takes two and a half. */
const LEAST_MEMORY_GIB = 4;
const BYTES_PER_GIB = 1024 ** 3;
const LOOK_LIMIT_MS = 20_000;

/** `keep`: what runs already is used, and what was started stays. */
export interface ComposeOptions {
  readonly keep: boolean;
}

/** An engine, a project that need not be up yet, and a folder for whatever is written. */
export class ComposeWorld {
  private constructor(
    readonly project: ComposeProject,
    readonly options: ComposeOptions,
    readonly directory: string,
    /** Volumes without a name that were there before. */
    readonly volumesBefore: ReadonlySet<string>,
    private readonly stopEngine: () => Promise<void>,
  ) {}

  /** What is missing on this machine is a reason; what is wrong with the project throws. */
  static async open(name: string, options: ComposeOptions): Promise<ComposeWorld | NotRun> {
    if (totalmem() < LEAST_MEMORY_GIB * BYTES_PER_GIB) return { whyNot: `it needs ${LEAST_MEMORY_GIB} GiB of memory` };
    const holder = takeTurn();
    if (holder !== undefined) return { whyNot: `process ${holder} is at it already` };
    const engine = await openEngine();
    if ('whyNot' in engine) return engine;
    try {
      const project = new ComposeProject(name);
      const signal = AbortSignal.timeout(LOOK_LIMIT_MS);
      const isUp = options.keep && (await project.leftovers(signal)).length > 0;
      const whyNot = isUp ? undefined : await prepare(project);
      if (whyNot !== undefined) {
        await engine.stop();
        return { whyNot };
      }
      const directory = await mkdtemp(join(tmpdir(), 'meridian-compose-'));
      const volumes = new Set(await volumeNames(AbortSignal.timeout(LOOK_LIMIT_MS)));
      return new ComposeWorld(project, options, directory, volumes, () => engine.stop());
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    if (!this.options.keep) await this.stopEngine();
    endTurn();
  }
}

export async function volumeNames(signal: AbortSignal): Promise<readonly string[]> {
  return linesOf(await docker(['volume', 'ls', '-q'], signal));
}
