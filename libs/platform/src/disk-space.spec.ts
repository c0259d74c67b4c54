import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Config } from './config.js';
import { requireDiskSpace } from './disk-space.js';

const EXABYTE = 1e18;

function configOf(spoolLeastFreeBytes: number, storage?: object): Config {
  return { blobs: { spoolDirectory: tmpdir(), spoolLeastFreeBytes }, storage } as unknown as Config;
}

async function warningsOf(config: Config): Promise<readonly unknown[]> {
  const warnings: unknown[] = [];
  await requireDiskSpace(config, { warn: (...said: unknown[]) => void warnings.push(said[1]) });
  return warnings;
}

describe('the disk of a process', () => {
  it('is enough when it has the room that is asked for', async () => {
    expect(await warningsOf(configOf(1, { driver: 'filesystem', directory: tmpdir() }))).toEqual([]);
  });

  it('is too small with less, which is said with the folder and the setting', async () => {
    await expect(requireDiskSpace(configOf(EXABYTE), { warn: () => undefined })).rejects.toThrow(
      new RegExp(`^${tmpdir()} has \\d+ MB free, and 1000000000000 MB are needed .* blobs.spoolDirectory`),
    );
  });

  it('is that of a folder which is made if nobody has made it yet', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'meridian-disk-'));
    const spoolDirectory = join(parent, 'region', 'spool');
    const config = { blobs: { spoolDirectory, spoolLeastFreeBytes: 1 } } as unknown as Config;
    expect(await warningsOf(config)).toEqual([]);
    await rm(parent, { recursive: true });
  });

  (process.platform === 'linux' ? it : it.skip)(
    'of a store that is full is warned of, and no reason to stay away',
    async () => {
      expect(await warningsOf(configOf(1, { driver: 'filesystem', directory: '/proc' }))).toEqual([
        'the disk of the store is almost full: pushes will fail',
      ]);
    },
  );

  it('is that of the folder above where a folder has not been made yet', async () => {
    const blobs = { spoolDirectory: `${tmpdir()}/not/made/yet`, spoolLeastFreeBytes: 1 };
    expect(await warningsOf({ blobs } as unknown as Config)).toEqual([]);
    await expect(
      warningsOf({ blobs: { ...blobs, spoolLeastFreeBytes: EXABYTE } } as unknown as Config),
    ).rejects.toThrow('/not/made/yet has ');
  });

  it('of a store that does not exist yet says nothing', async () => {
    expect(await warningsOf(configOf(1, { driver: 'filesystem', directory: '/nowhere/at/all' }))).toEqual([]);
  });
});
