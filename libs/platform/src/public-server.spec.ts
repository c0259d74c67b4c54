import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { createLogger } from './logger.js';
import { createMetrics } from './metrics.js';
import { PublicServer, type PublicServerOptions, type RequestHandler } from './public-server.js';

const NEVER = new AbortController().signal;

class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

describe('PublicServer', () => {
  const lines: Record<string, unknown>[] = [];
  const agent = new Agent({ keepAlive: true });
  let server: PublicServer;
  let port: number;
  let metrics: ReturnType<typeof createMetrics>;

  async function serve(handler: RequestHandler, options?: PublicServerOptions): Promise<void> {
    metrics = createMetrics({ app: 'registry', region: 'north' });
    const log = createLogger({ app: 'registry', level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) });
    const parts = { log, metrics, clock: systemClock, random: new SeededRandom(1) };
    server = new PublicServer(handler, parts, options);
    port = await server.listen(0, '127.0.0.1');
  }

  async function get(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    const [response] = await once(request({ port, path, headers, agent }).end(), 'response');
    return response as IncomingMessage;
  }

  /** Bytes as they are, and all that comes back until the server closes. */
  async function raw(bytes: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    return text(socket);
  }

  const logged = async (count: number): Promise<void> => {
    while (lines.length < count) await new Promise((resolve) => setImmediate(resolve));
  };

  afterEach(async () => {
    await server.close(AbortSignal.abort());
    lines.length = 0;
  });

  it('gives every request an id, and says it in the answer and in the log', async () => {
    await serve((_request, response, { requestId }) => void response.end(requestId));
    const response = await get('/v2/');
    const id = response.headers['x-request-id'];
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await text(response)).toBe(id);
    await logged(1);
    expect(lines[0]?.requestId).toBe(id);
  });

  it.each([
    ['trace-7', true],
    ['two words', false],
    ['x'.repeat(200), false],
  ])('takes the id %j of a proxy: %s', async (given, taken) => {
    await serve((_request, response) => void response.end());
    const response = await get('/v2/', { 'X-Request-Id': given });
    expect(response.headers['x-request-id'] === given).toBe(taken);
    response.resume();
  });

  it('writes a line and a sample per request, with neither path nor query', async () => {
    await serve((_request, response) => void response.writeHead(404).end('12345'));
    (await get('/v2/team/app/manifests/v1?token=s3cr3t')).resume();
    await logged(1);
    expect(lines[0]).toMatchObject({
      msg: 'request',
      method: 'GET',
      route: '/v2/{name}/manifests/{reference}',
      status: 404,
      bytes: expect.any(Number),
      durationMs: expect.any(Number),
    });
    expect(JSON.stringify(lines)).not.toMatch(/s3cr3t|team/);
    const { values } = await metrics.httpRequests.get();
    expect(values).toMatchObject([
      { labels: { route: '/v2/{name}/manifests/{reference}', method: 'GET', status: 404 }, value: 1 },
    ]);
  });

  it('tells the handler when the client goes away', async () => {
    const gone = new Gate();
    const reached = new Gate();
    await serve(async (_request, _response, { signal }) => {
      signal.addEventListener('abort', gone.open);
      reached.open();
      await gone.opened;
      signal.throwIfAborted();
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await reached.opened;
    socket.destroy();
    await gone.opened;
    await logged(1);
    expect(lines).toMatchObject([{ msg: 'request', status: 499 }]);
  });

  it('answers 500 in the form of the registry when the handler fails', async () => {
    await serve((_request, response) => {
      response.setHeader('Docker-Content-Digest', 'sha256:0');
      throw new Error('broken');
    });
    const response = await get('/v2/');
    expect(response.statusCode).toBe(500);
    expect(response.headers).not.toHaveProperty('docker-content-digest');
    expect(JSON.parse(await text(response))).toEqual({ errors: [{ code: 'UNKNOWN', message: 'internal error' }] });
  });

  it('cuts off an answer that fails after it has begun', async () => {
    await serve(async (_request, response) => {
      response.writeHead(200, { 'Content-Length': 10 });
      await new Promise((resolve) => response.write('12345', resolve));
      throw new Error('broken');
    });
    await expect(text(await get('/v2/'))).rejects.toThrow('aborted');
  });

  it.each([
    ['headers that are too large', `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
    [
      'both lengths at once',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['an unknown transfer coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n', 400],
    ['something else', 'hello\r\n\r\n', 400],
  ])('refuses %s and closes', async (_name, bytes, status) => {
    await serve((_request, response) => void response.end());
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toHaveProperty('errors');
  });

  it('refuses connections beyond its limit', async () => {
    await serve((_request, response) => void response.end(), { maxConnections: 1 });
    const first = connect(port, '127.0.0.1');
    await once(first, 'connect');
    const second = connect(port, '127.0.0.1');
    second.on('error', () => undefined);
    await once(second, 'close');
    first.destroy();
  });

  it('lets running requests finish when it closes, asks clients to leave, and takes no new ones', async () => {
    const gate = new Gate();
    const reached = new Gate();
    await serve(async (_request, response) => {
      reached.open();
      await gate.opened;
      response.end('whole');
    });
    const answer = get('/v2/');
    await reached.opened;
    const closed = server.close(NEVER);
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
    gate.open();
    const response = await answer;
    expect(response.headers.connection).toBe('close');
    expect(await text(response)).toBe('whole');
    await closed;
  });

  it('ends, when it closes, a connection whose answer had begun before and is kept by its client', async () => {
    const gate = new Gate();
    await serve(async (_request, response) => {
      response.writeHead(200, { 'Content-Length': 4 }).write('on');
      await gate.opened;
      response.end('ce');
    });
    const response = await get('/v2/');
    const closed = server.close(NEVER);
    gate.open();
    await expect(text(response)).resolves.toBe('once');
    await closed;
  });

  it('closes idle connections at once', async () => {
    await serve((_request, response) => void response.end());
    (await get('/v2/')).resume();
    await logged(1);
    await server.close(NEVER);
  });

  it('cuts off what still runs when time is up', async () => {
    const reached = new Gate();
    await serve(() => reached.open());
    const answer = get('/v2/');
    await reached.opened;
    const deadline = new AbortController();
    const closed = server.close(deadline.signal);
    deadline.abort();
    await expect(answer).rejects.toThrow('socket hang up');
    await closed;
  });
});
