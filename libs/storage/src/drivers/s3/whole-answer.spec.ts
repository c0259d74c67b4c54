import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Pool } from 'undici';
import { wholeAnswer } from './whole-answer.js';

const forever = new AbortController().signal;

describe('wholeAnswer', () => {
  let server: Server;
  let pool: Pool;

  async function serve(listener: RequestListener, connections = 4): Promise<void> {
    server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { connections });
  }

  const ask = (maxBytes: number, signal = forever) =>
    wholeAnswer(pool, { method: 'GET', path: '/a?b=c' }, maxBytes, signal);

  afterEach(async () => {
    await pool.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('gathers what comes in pieces', async () => {
    await serve(({ url }, response) => {
      response.writeHead(404, { etag: '"e"' });
      response.write('one ');
      setImmediate(() => response.end(url));
    });
    const { status, headers, bytes } = await ask(100);
    expect({ status, etag: headers.etag, text: bytes.toString() }).toEqual({
      status: 404,
      etag: '"e"',
      text: 'one /a?b=c',
    });
  });

  it.each([
    ['says that it is long', { 'content-length': '1000000' }],
    ['does not say how long it is', {}],
  ])('reads no more than was wanted of an answer that %s', async (_what, headers) => {
    let closed: Promise<unknown> | undefined;
    await serve((_request, response) => {
      closed = once(response, 'close');
      response.writeHead(200, headers);
      response.write(Buffer.alloc(1_000));
    });
    const { status, bytes } = await ask(999);
    expect(status).toBe(200);
    expect(bytes.length).toBeLessThanOrEqual(1_000);
    await closed;
  });

  it('fails when the connection breaks before the end', async () => {
    await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half', () => response.destroy());
    });
    await expect(ask(100)).rejects.toThrow();
  });

  it('lets go at once of what is answered, and of what has not been sent', async () => {
    await serve(() => undefined, 1);
    const leaving = new AbortController();
    const gone = new Error('gone');
    const asked = [ask(100, leaving.signal), ask(100, leaving.signal)];
    await once(server, 'request');
    leaving.abort(gone);
    for (const outcome of await Promise.allSettled(asked))
      expect(outcome).toEqual({ status: 'rejected', reason: gone });
    await expect(ask(100, leaving.signal)).rejects.toBe(gone);
  });
});
