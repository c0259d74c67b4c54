import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool } from '../../scripts/lib/tool-cache.mjs';
import { freePort } from './ports.js';
import { TestProcess } from './process.js';
import { tool } from './tools.js';

export interface TestRedis {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly process: TestProcess;
  /** Ends the server and forgets all that was in it. */
  stop(): Promise<void>;
}

/** Starts a Redis of its own for a test: on a free port, with nothing kept. */
export async function startRedis(): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-redis-'));
  const port = await freePort();
  const process = await TestProcess.start({
    name: 'redis-server',
    command: findTool('redis-server') ?? findTool('valkey-server') ?? tool('redis-server'),
    args: redisArguments(port, directory),
    isReady: () => answersPing(port),
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    process,
    stop: async () => {
      await process.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function redisArguments(port: number, directory: string): string[] {
  const kept = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
  return ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--daemonize', 'no', ...kept];
}

async function answersPing(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [answer] = await once(socket, 'data');
    return String(answer).startsWith('+PONG');
  } finally {
    socket.destroy();
  }
}
