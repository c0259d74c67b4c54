import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { SlowClients } from './slow-clients.js';

const MINUTE_MS = 60_000;
/** More than the kernel's buffers take from us although nobody reads. */
const MUCH = Buffer.alloc(64 * 1024 * 1024);

/** Unlike `once`, whatever the error that it ends with. */
const closeOf = (side: Socket | IncomingMessage) => new Promise((resolve) => side.once('close', resolve));

describe('SlowClients', () => {
  const stopping = new AbortController();
  const sockets: Socket[] = [];
  let clock: FakeClock;
  let server: Server;
  let slow: SlowClients;
  let cut: number;

  beforeEach(async () => {
    cut = 0;
    clock = new FakeClock();
    slow = new SlowClients(clock, { bytesPerSecond: 1_000, overMs: MINUTE_MS }, () => {
      cut += 1;
    });
    void slow.follow(stopping.signal);
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  async function ask(head: string): Promise<{ client: Socket; request: IncomingMessage; response: ServerResponse }> {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    sockets.push(client);
    client.write(head);
    const [request, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
    slow.watch(request, response);
    return { client, request, response };
  }

  const push = () => ask('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
  const pull = () => ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  it('cuts off who sends nothing while it is waited for', async () => {
    const { client, request } = await push();
    client.resume();
    request.on('error', () => undefined).resume();
    const closed = closeOf(client);
    await clock.advance(MINUTE_MS * 0.9);
    expect(cut).toBe(0);
    await clock.advance(MINUTE_MS);
    await closed;
    expect(cut).toBe(1);
  });

  it('cuts off who takes nothing of an answer', async () => {
    const { client, response } = await pull();
    client.pause();
    response.write(MUCH);
    await clock.advance(2 * MINUTE_MS);
    expect(cut).toBe(1);
    expect(response.destroyed || response.socket?.destroyed).toBe(true);
  });

  it('cuts off who sends a little now and then, and not who sends enough', async () => {
    const little = { ...(await push()), bytes: Buffer.alloc(2) };
    const enough = { ...(await push()), bytes: Buffer.alloc(20_000) };
    for (const { request } of [little, enough]) request.on('error', () => undefined).resume();
    const closed = closeOf(little.request);
    for (let quarters = 0; quarters < 5; quarters += 1) {
      const sending = cut > 0 ? [enough] : [little, enough];
      for (const { client, request, bytes } of sending) {
        client.write(bytes);
        await once(request, 'data');
      }
      await clock.advance(MINUTE_MS / 4);
    }
    await closed;
    expect([cut, enough.request.destroyed]).toEqual([1, false]);
  });

  it.each<[string, (asked: Awaited<ReturnType<typeof push>>) => void]>([
    ['waits for a body that nobody reads', ({ request }) => request.pause()],
    ['waits for an answer', () => undefined],
  ])('leaves alone who %s', async (_what, prepare) => {
    prepare(await push());
    await pull();
    await clock.advance(10 * MINUTE_MS);
    expect(cut).toBe(0);
  });
});
