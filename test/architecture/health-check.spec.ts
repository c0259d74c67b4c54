import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';

/** A probe that hangs is not ended by every engine: they would pile up. */
const LIMIT_MS = 5_000;
const [, words = ''] =
  /^HEALTHCHECK [^\n]*\\\n +CMD (\[.*\])$/m.exec(readFileSync('deploy/docker/Dockerfile', 'utf8')) ?? [];
const [program, ...args] = JSON.parse(words) as [string, ...string[]];

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server = undefined;
});

async function portThat(answers: string): Promise<number> {
  const listening = createServer((socket) => {
    socket.on('error', () => undefined);
    // To ask is enough for an answer, or for none.
    socket.once('data', () => void (answers === '' || socket.end(answers)));
  });
  server = listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  if (typeof address === 'string' || address === null) throw new Error('it has no port');
  return address.port;
}

async function probe(port: number): Promise<number | null> {
  const env = { ...process.env, MERIDIAN_HTTP_OPERATOR_PORT: String(port) };
  const child = spawn(program, args, { env, timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe("the image's health check", () => {
  it.each([
    ['is content with a process that is ready', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', true],
    ['is not with one that says it is not', 'HTTP/1.1 503 Service Unavailable\r\n\r\n{"ready":false}', false],
    ['nor with one that says something else', '200 \r\n', false],
  ])('%s', async (_, answer, isWell) => {
    expect((await probe(await portThat(answer))) === 0).toBe(isWell);
  });

  it('gives up by itself on one that says nothing', async () => {
    const code = await probe(await portThat(''));
    expect(code).not.toBeNull();
    expect(code).not.toBe(0);
  });

  it('sees that nobody listens', async () => {
    const port = await portThat('');
    server?.close();
    expect(await probe(port)).toBe(1);
  });
});
