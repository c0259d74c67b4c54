import { access, constants, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RegionName } from '#libs/geo';
import { messageOf, Problem, systemCodeOf } from './problem.js';

/**
 * What is where below the data directory. Everything that the simulator makes is below one of these names, so that
 * forgetting it (`--fresh`) never touches anything else that a person keeps there.
 */
export class DataDirectory {
  constructor(readonly path: string) {}

  readonly lockFile = join(this.path, 'simulator.lock');
  readonly clusterFile = join(this.path, 'cluster.json');
  readonly shapeFile = join(this.path, 'regions.json');
  readonly logs = join(this.path, 'logs');
  readonly configs = join(this.path, 'config');
  readonly secrets = join(this.path, 'secrets');
  readonly regions = join(this.path, 'regions');

  logFile(process: string): string {
    return join(this.logs, `${process}.log`);
  }

  configFile(process: string): string {
    return join(this.configs, `${process}.json`);
  }

  bucket(region: RegionName): string {
    return join(this.regions, region, 'bucket');
  }

  redis(region: RegionName): string {
    return join(this.regions, region, 'redis');
  }

  /** The disk of a region's MinIO. */
  store(region: RegionName): string {
    return join(this.regions, region, 'minio');
  }

  /** Of bytes on their way through a region's processes, which make it. */
  spoolDirectory(region: RegionName): string {
    return join(this.regions, region, 'spool');
  }

  /** @throws Problem where it cannot be made or written to */
  async create(): Promise<void> {
    await this.#attempt(() => makeDirectories(this.path));
    await this.#attempt(() => access(this.path, constants.W_OK | constants.X_OK));
  }

  /** Removes what earlier runs left. Only for the holder of the lock. */
  async forget(): Promise<void> {
    const kept = [this.regions, this.secrets, this.configs, this.logs, this.clusterFile, this.shapeFile];
    await this.#attempt(() => Promise.all(kept.map((path) => rm(path, { recursive: true, force: true }))));
  }

  async createParts(regions: readonly RegionName[]): Promise<void> {
    await this.#attempt(async () => {
      await mkdir(this.logs, { recursive: true });
      await mkdir(this.configs, { recursive: true, mode: 0o700 });
      await mkdir(this.secrets, { recursive: true, mode: 0o700 });
      for (const region of regions)
        for (const part of [this.bucket(region), this.redis(region), this.store(region)])
          await mkdir(part, { recursive: true });
    });
  }

  async #attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      throw new Problem(
        `the data directory ${this.path} cannot be written to (${messageOf(error)}): choose another with --data DIR`,
        { cause: error },
      );
    }
  }
}

/** Node's own `recursive` never ends below /proc, which says that it lacks what it has. */
async function makeDirectories(path: string): Promise<void> {
  try {
    await makeDirectory(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectories(dirname(path));
    await makeDirectory(path);
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}
