import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { Guard } from '../../apps/simulator/src/cluster/guard.js';
import { isRunning, ROOT } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';
import { Seat } from './seat.js';

const never = new AbortController().signal;

describe('the place of a process', () => {
  let directory: string;
  let guard: Guard;
  let seat: Seat;

  /** Writes its id and a date, and stays. */
  const script = 'console.log(process.pid, Date.now()); setInterval(() => {}, 1000)';
  const lives = async () => (await readFile(join(directory, 'log'), 'utf8')).trim().split('\n').filter(Boolean);
  const pids = async () => (await lives()).map((line) => Number(line.split(' ')[0]));

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-seat-'));
    guard = new Guard(`${ROOT}dist/apps/simulator/src/cluster/watchdog.js`);
    const spec = {
      name: 'one',
      command: process.execPath,
      args: ['-e', script],
      environment: process.env,
      directory,
      logFile: join(directory, 'log'),
      isReady: async () => (await pids()).some(isRunning),
      stopMs: 2_000,
    };
    seat = new Seat('registry', 'eu', spec, systemClock, guard);
    await seat.start(never);
  });

  afterEach(async () => {
    await seat.stop();
    await guard.close();
    expect((await pids()).filter(isRunning)).toEqual([]);
    await rm(directory, { recursive: true });
  });

  it('is taken again by another process when one was killed, and nobody is blamed', async () => {
    seat.kill();
    expect(seat.isReady).toBe(false);
    await seat.untilReady(never);
    expect((await pids()).length).toBe(2);
    expect(seat.deaths).toEqual([]);
  });

  it('remembers an end that nobody asked for', async () => {
    const [pid = 0] = await pids();
    process.kill(pid, 'SIGTERM');
    await waitFor(() => seat.deaths.length === 1, { what: 'the death to be seen' });
    expect(seat.deaths).toEqual(['one was ended by SIGTERM']);
    await seat.untilReady(never);
  });

  it('stays empty while it is held', async () => {
    seat.hold();
    await waitFor(async () => !(await pids()).some(isRunning), { what: 'the process to be gone' });
    await systemClock.sleep(600, never);
    expect((await pids()).length).toBe(1);
    seat.release();
    await seat.untilReady(never);
    expect((await pids()).length).toBe(2);
  });

  it('gives the next life a wrong clock', async () => {
    seat.clockOffsetMs = -3_600_000;
    seat.kill();
    await seat.untilReady(never);
    await waitFor(async () => (await lives()).length === 2, { what: 'the second life to speak' });
    const [, date] = ((await lives())[1] ?? '').split(' ');
    expect(Date.now() - Number(date)).toBeGreaterThan(3_500_000);
  });
});
