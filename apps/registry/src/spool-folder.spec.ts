import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSpoolFolder } from './spool-folder.js';

const SEAT = 'eastus-fetches-host-8080';

describe('the folder of a process for what is on its way', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-spool-'));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const leave = async (name: string) => {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, 'bytes'), 'half a blob');
    return name;
  };

  it('is made where no directory was yet', async () => {
    const place = join(directory, 'not', 'there');
    const folder = await openSpoolFolder(place, { seat: SEAT, pid: process.pid, startedMs: 1 });
    expect(await readdir(place)).toEqual([basename(folder)]);
  });

  it('replaces what a killed process left in this place', async () => {
    const { pid: dead } = spawnSync(process.execPath, ['--version']);
    await leave(`meridian-${SEAT}-${dead}-77-AbC123`);
    // A container that was started again has the pid that it had.
    await leave(`meridian-${SEAT}-${process.pid}-77-AbC123`);
    const folder = await openSpoolFolder(directory, { seat: SEAT, pid: process.pid, startedMs: 78 });
    expect(await readdir(directory)).toEqual([basename(folder)]);
  });

  it('leaves alone what lives, and what belongs to somebody else', async () => {
    const { pid: dead } = spawnSync(process.execPath, ['--version']);
    const others = [
      await leave(`meridian-${SEAT}-${process.ppid}-77-AbC123`),
      await leave(`meridian-${SEAT}-${process.pid}-78-AbC123`),
      await leave(`meridian-eastus-fetches-host-8081-${dead}-77-AbC123`),
      await leave(`meridian-eastus-repairs-host-8080-${dead}-77-AbC123`),
      await leave('meridian-eastus-copies'),
      await leave(`meridian-${SEAT}-notes`),
    ];
    const folder = await openSpoolFolder(directory, { seat: SEAT, pid: process.pid, startedMs: 78 });
    expect(await readdir(directory)).toEqual([...others, basename(folder)].sort());
  });
});
