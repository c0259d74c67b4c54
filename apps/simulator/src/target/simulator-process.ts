import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, systemRandom } from '#libs/resilience';
import { DataDirectory } from '../data-directory.js';
import { highestPort, isFreePort } from '../ports.js';
import { Problem } from '../problem.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
/** Below the range that systems take outgoing ports from. */
const FIRST_PORT = 12_000;
const LAST_PORT = 31_000;
const PORTS = highestPort(0, 9) + 1;
const TRIES = 50;
const READY_LIMIT_MS = 120_000;
const POLL_MS = 100;
const STOP_LIMIT_MS = 40_000;
/** The end of what it wrote is enough to see why it failed. */
const OUTPUT_CHARACTERS = 8_000;

export interface Simulator {
  readonly directory: string;
  stop(): Promise<void>;
}

/** Starts `npm start` without its demo, as a process of its own: what is measured does not share its turns with who measures. */
export async function startSimulator(args: readonly string[], clock: Clock, signal: AbortSignal): Promise<Simulator> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-simulation-'));
  const base = String(await freePortBase());
  const child = spawn(process.execPath, [PROGRAM, '--no-demo', '--data', directory, '--port-base', base, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C is for us: the cluster is still needed to end in order.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-OUTPUT_CHARACTERS)));
  const stop = (): Promise<void> => stopChild(child, clock);
  try {
    await untilUp(child, new DataDirectory(directory).clusterFile, clock, signal);
    return { directory, stop };
  } catch (error) {
    await stop();
    await rm(directory, { recursive: true, force: true });
    if (signal.aborted) throw error;
    throw new Problem('the cluster did not start', { cause: error, details: output.trimEnd().split('\n') });
  }
}

/** The file is written when the cluster is up. */
async function untilUp(child: ChildProcess, clusterFile: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const deadline = clock.monotonic() + READY_LIMIT_MS;
  while (!existsSync(clusterFile)) {
    if (hasEnded(child)) throw new Error('it ended at once');
    if (clock.monotonic() > deadline) throw new Error(`it was not ready after ${READY_LIMIT_MS} ms`);
    await clock.sleep(POLL_MS, signal);
  }
}

async function stopChild(child: ChildProcess, clock: Clock): Promise<void> {
  if (hasEnded(child)) return;
  const gone = once(child, 'exit');
  const limit = new AbortController();
  child.kill('SIGTERM');
  const killLater = clock.sleep(STOP_LIMIT_MS, limit.signal).then(
    () => void child.kill('SIGKILL'),
    () => undefined,
  );
  await gone;
  limit.abort();
  await killLater;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function freePortBase(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const base = FIRST_PORT + Math.floor(systemRandom.next() * (LAST_PORT - FIRST_PORT - PORTS));
    if (await areFree(base)) return base;
  }
  throw new Problem(`there are no ${PORTS} free ports in a row between ${FIRST_PORT} and ${LAST_PORT}`);
}

async function areFree(base: number): Promise<boolean> {
  for (let port = base; port < base + PORTS; port += 1) if (!(await isFreePort(port))) return false;
  return true;
}
