import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/** A process that cannot serve must not look as if it did, nor go on forever: compose and people see how it ended. */
const LIMIT_MS = 20_000;
const HOST = '127.0.0.1';

let folder: string;
let taken: Server;
let takenPort: number;
/** Nobody answers there: it was free a moment ago, and nobody is told of it. */
let deadPort: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meridian-bad-start-'));
  writeFileSync(join(folder, 'key'), randomBytes(32).toString('hex'), { mode: 0o600 });
  writeFileSync(join(folder, 'empty'), '', { mode: 0o600 });
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'signing-key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  taken = await listening();
  takenPort = portOf(taken);
  const gone = await listening();
  deadPort = portOf(gone);
  await new Promise((resolve) => gone.close(resolve));
});

afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true });
});

describe('a process that cannot start says why in one line, and ends with code 1', () => {
  const s3 = () => ({ MERIDIAN_STORAGE_ENDPOINT: `http://${HOST}:${deadPort}` });
  const tooSmall = () => ({ MERIDIAN_BLOBS_SPOOL_LEAST_FREE_BYTES: '9000000000000000' });
  const inFolder = (name: string) => join(folder, name);
  const rows: readonly (readonly [string, string, () => Record<string, string>, () => string])[] = [
    [
      'a secret that is missing',
      'registry',
      () => ({ MERIDIAN_STORAGE_SECRET_ACCESS_KEY_FILE: inFolder('nothing') }),
      () => `${inFolder('nothing')} does not exist (named by storage.secretAccessKeyFile)`,
    ],
    [
      'a secret that is empty',
      'replicator',
      () => ({ MERIDIAN_CLUSTER_KEY_FILE: inFolder('empty') }),
      () => `${inFolder('empty')} is empty: it must hold a secret (named by clusterKeyFile)`,
    ],
    ['a store that does not answer', 'registry', s3, () => `unavailable: connect ECONNREFUSED ${HOST}:${deadPort}`],
    ['a store that does not answer', 'replicator', s3, () => `unavailable: connect ECONNREFUSED ${HOST}:${deadPort}`],
    ['a disk that is too small', 'registry', tooSmall, () => `${tmpdir()} has `],
    ['a disk that is too small', 'replicator', tooSmall, () => 'MB are needed for blobs that wait there'],
    [
      "operators' port in use",
      'registry',
      () => ({ MERIDIAN_HTTP_OPERATOR_PORT: String(takenPort) }),
      () => `port ${takenPort} of ${HOST} is in use by another process: stop it, or set another port`,
    ],
    [
      'the port for clients in use',
      'router',
      () => ({ MERIDIAN_HTTP_PORT: String(takenPort) }),
      () => `port ${takenPort} of ${HOST} is in use by another process: stop it, or set another port`,
    ],
  ];

  it.each(rows)('%s (%s)', async (_, app, environment, expected) => {
    const { code, output } = await runToItsEnd(app, environment());
    const fatal = output.split('\n').filter((line) => line.includes('"level":"fatal"') || line.startsWith(`${app}: `));
    expect([output, fatal.length, code]).toEqual([output, 1, 1]);
    expect(fatal[0]).toContain(expected());
    expect(fatal[0]).not.toMatch(/node:internal|\.js:\d+/);
  });
});

/** The configuration of eastus as it is deployed, on this machine. */
function environmentOf(app: string): Record<string, string> {
  const name = app === 'router' ? 'router' : 'eastus';
  const config = JSON.parse(readFileSync(`deploy/config/${name}.json`, 'utf8'));
  const file = join(folder, `${name}.json`);
  if (config.storage !== undefined) config.storage.reader.secretAccessKeyFile = join(folder, 'key');
  writeFileSync(file, JSON.stringify(config));
  return {
    MERIDIAN_CONFIG: file,
    MERIDIAN_CLUSTER_KEY_FILE: join(folder, 'key'),
    MERIDIAN_HTTP_HOST: HOST,
    MERIDIAN_HTTP_PORT: '0',
    MERIDIAN_HTTP_OPERATOR_HOST: HOST,
    MERIDIAN_HTTP_OPERATOR_PORT: '0',
    ...(app === 'router'
      ? {}
      : {
          MERIDIAN_STORAGE_SECRET_ACCESS_KEY_FILE: join(folder, 'key'),
          MERIDIAN_SIGNING_KEY_FILE: join(folder, 'signing-key'),
          MERIDIAN_REDIS_URL: `redis://${HOST}:${deadPort}`,
        }),
  };
}

async function runToItsEnd(app: string, environment: Record<string, string>) {
  const child = spawn(process.execPath, [`dist/apps/${app}/src/main.js`], {
    env: { PATH: process.env.PATH, ...environmentOf(app), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
}

async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
  return address.port;
}
