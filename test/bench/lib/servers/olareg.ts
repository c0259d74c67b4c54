import { mkdir } from 'node:fs/promises';
import { freePort } from '../../../support/ports.js';
import { TestProcess } from '../../../support/process.js';
import { tool } from '../../../support/tools.js';
import type { RunningServer } from './settings.js';

/** olareg on a directory. It never syncs what it writes. */
export async function startOlareg(directory: string): Promise<RunningServer> {
  await mkdir(directory, { recursive: true });
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const process = await TestProcess.start({
    name: 'olareg',
    command: tool('olareg'),
    args: ['serve', '--addr', '127.0.0.1', '--port', String(port), '--dir', directory],
    isReady: async () => (await fetch(`${origin}/v2/`)).ok,
  });
  return { origins: [origin], pids: [process.pid], stop: () => process.stop('SIGINT') };
}
