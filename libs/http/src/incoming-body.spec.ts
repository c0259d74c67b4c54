import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IncomingBody } from './incoming-body.js';

const HEAD = 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n';

describe("a request's body", () => {
  let server: Server;
  let client: Socket;
  let request: IncomingMessage;
  let response: ServerResponse;

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write(HEAD);
    [request, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  });
  afterEach(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  it('comes whole', async () => {
    const body = new IncomingBody(request);
    client.write('01234');
    client.write('56789');
    expect(await text(body)).toBe('0123456789');
  });

  it('fails when it breaks off, after what came', async () => {
    const body = new IncomingBody(request);
    const came: string[] = [];
    client.write('0123', () => client.end());
    const reading = (async () => {
      for await (const chunk of body) came.push(String(chunk));
    })();
    await expect(reading).rejects.toThrow();
    expect(came.join('')).toBe('0123');
  });

  it('can be given up without cutting the connection', async () => {
    const body = new IncomingBody(request);
    client.write('0123');
    await once(body, 'readable');
    body.destroy();
    response.writeHead(503).end();
    const [answer] = await once(client, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('lets others have a turn between every few of its bytes, however many are there', async () => {
    const piece = 'x'.repeat(16 * 1024);
    const pieces = 256;
    client.destroy();
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(`PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${pieces * piece.length}\r\n\r\n`);
    for (let count = 0; count < pieces; count += 1) client.write(piece);
    [request] = (await once(server, 'request')) as [IncomingMessage];
    const turns = new Map<number, number>();
    let turn = 0;
    const counting = { on: true };
    const count = () => {
      turn += 1;
      if (counting.on) setImmediate(count);
    };
    count();
    for await (const chunk of new IncomingBody(request)) turns.set(turn, (turns.get(turn) ?? 0) + chunk.length);
    counting.on = false;
    const most = Math.max(...turns.values());
    expect(most).toBeLessThanOrEqual(3 * 128 * 1024);
    expect([...turns.values()].reduce((sum, bytes) => sum + bytes, 0)).toBe(pieces * piece.length);
  });

  it('may break off before anybody reads it', async () => {
    const body = new IncomingBody(request);
    client.resetAndDestroy();
    await new Promise((resolve) => body.once('close', resolve));
    await expect(text(body)).rejects.toThrow();
  });

  it('is cut off when it stops coming while somebody waits for it', async () => {
    const body = new IncomingBody(request, { stallMs: 20 });
    client.write('0123');
    await expect(text(body)).rejects.toThrow('the body stopped coming');
  });

  it('may take its time while nobody reads it', async () => {
    const body = new IncomingBody(request, { stallMs: 20 });
    await once(request, 'timeout');
    client.write('0123456789');
    expect(await text(body)).toBe('0123456789');
  });
});
