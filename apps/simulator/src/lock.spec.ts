import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataDirectory } from './data-directory.js';
import { lockDataDirectory } from './lock.js';

describe('the lock of a data directory', () => {
  let data: DataDirectory;

  beforeEach(async () => {
    data = new DataDirectory(await mkdtemp(join(tmpdir(), 'meridian-lock-')));
  });

  afterEach(() => rm(data.path, { recursive: true, force: true }));

  it('is given back', async () => {
    const unlock = await lockDataDirectory(data);
    await unlock();
    await (await lockDataDirectory(data))();
  });

  it('says who holds it', async () => {
    await lockDataDirectory(data);
    expect(await readFile(data.lockFile, 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  });

  it('is taken over from a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(data.lockFile, `${child.pid} 12345\n`);
    await expect(lockDataDirectory(data)).resolves.toBeInstanceOf(Function);
  });

  it('is taken over when its process id is somebody else by now', async () => {
    await writeFile(data.lockFile, `${process.ppid} 1\n`);
    await expect(lockDataDirectory(data)).resolves.toBeInstanceOf(Function);
  });

  it('is refused while its process lives', async () => {
    // The parent's line, written as the parent would have written it.
    const stat = await readFile(`/proc/${process.ppid}/stat`, 'utf8').catch(() => undefined);
    const started = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    await writeFile(data.lockFile, `${process.ppid} ${started}\n`);
    await expect(lockDataDirectory(data)).rejects.toMatchObject({
      message: expect.stringContaining(`another simulator (process ${process.ppid}) is running on ${data.path}`),
    });
  });
});
