import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { Problem } from '../problem.js';
import { ManagedProcess } from './managed-process.js';
import type { ProcessSpec } from './process-spec.js';

const PROMPT_MS = 10_000;

describe('a process that is watched', () => {
  let directory: string;
  let seen: string[];
  let managed: ManagedProcess;
  const forever = new AbortController().signal;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-process-'));
    seen = [];
  });

  afterEach(async () => {
    managed.kill();
    await managed.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Ready as soon as the script has made the file `ready`. */
  function watch(script: string, stopMs = PROMPT_MS): ManagedProcess {
    const ready = join(directory, 'ready');
    const spec: ProcessSpec = {
      name: 'sample',
      command: process.execPath,
      args: ['-e', `const ready = () => fs.writeFileSync(${JSON.stringify(ready)}, ''); ${script}`],
      environment: {},
      directory,
      logFile: join(directory, 'sample.log'),
      isReady: async () => existsSync(ready),
      stopMs,
    };
    managed = new ManagedProcess(
      spec,
      {
        started: () => seen.push('started'),
        ended: () => seen.push('ended'),
        died: (_process, how) => seen.push(how),
        recovered: () => seen.push('recovered'),
      },
      systemClock,
    );
    return managed;
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await systemClock.sleep(5, forever);
  }

  const STAYS = 'ready(); setInterval(() => {}, 1000);';

  it('is started, and says so when it is ready', async () => {
    await watch(STAYS).start(forever);
    expect(managed.pid).toBeGreaterThan(0);
    expect(seen).toEqual(['started']);
  });

  it('is started again when it is killed', async () => {
    await watch(STAYS).start(forever);
    const first = managed.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await until(() => seen.includes('recovered'));
    expect(managed.pid).not.toBe(first);
    expect(seen).toEqual(['started', 'ended', 'was ended by SIGKILL', 'started', 'recovered']);
  });

  it('stays down when it is halted, until it is resumed', async () => {
    await watch(STAYS).start(forever);
    await managed.halt();
    expect(managed.pid).toBeUndefined();
    expect(seen).toEqual(['started', 'ended']);
    await managed.resume(forever);
    expect(managed.pid).toBeGreaterThan(0);
    process.kill(managed.pid ?? 0, 'SIGKILL');
    await until(() => seen.includes('recovered'));
  });

  it('is asked to stop, and is not started again', async () => {
    await watch(`process.on('SIGTERM', () => { console.log('goodbye'); process.exit(0); }); ${STAYS}`).start(forever);
    await managed.stop();
    expect(managed.pid).toBeUndefined();
    expect(seen).toEqual(['started', 'ended']);
    expect(await readFile(join(directory, 'sample.log'), 'utf8')).toBe('goodbye\n');
  });

  it('is killed when it does not stop', async () => {
    await watch(`process.on('SIGTERM', () => {}); ${STAYS}`, 50).start(forever);
    await managed.stop();
    expect(managed.pid).toBeUndefined();
  });

  it('leaves its last words when it dies before it is ready', async () => {
    const failure = await watch("console.error('no bucket'); process.exit(3);")
      .start(forever)
      .catch((error) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(failure).toMatchObject({ message: expect.stringContaining('ended with code 3'), details: ['no bucket'] });
  });

  it('is called off while it is coming up', async () => {
    const asked = new AbortController();
    const starting = watch('setInterval(() => {}, 1000);').start(asked.signal);
    asked.abort(new Error('enough'));
    await expect(starting).rejects.toThrow('enough');
  });
});
