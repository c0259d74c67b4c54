import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { systemClock } from '#libs/resilience';
import type { Link } from './link.js';
import { WideAreaNetwork } from './wide-area-network.js';

const HERE = parseRegionName('here');
const THERE = parseRegionName('there');
const QUICK = { roundTripMs: 4, megabitsPerSecond: 10_000 };

describe('a relay between two regions', () => {
  let network: WideAreaNetwork;
  let link: Link;
  let target: Server;
  let port: number;
  let accepted: Socket[];
  let onConnection: (socket: Socket) => void;

  beforeEach(async () => {
    accepted = [];
    onConnection = (socket) => socket.pipe(socket);
    target = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    network = new WideAreaNetwork(systemClock);
    link = network.addLink(HERE, THERE, QUICK);
    port = await network.addRelay(link, { listenPort: 0, targetPort: (target.address() as AddressInfo).port });
  });

  afterEach(async () => {
    await network.close();
    for (const socket of accepted) socket.destroy();
    target.close();
    await once(target, 'close');
  });

  async function open(): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  }

  function failureOf(socket: Socket): Promise<Error> {
    return new Promise((resolve) => socket.once('error', resolve));
  }

  it('carries bytes both ways unchanged, and counts them', async () => {
    const sent = randomBytes(3_000_000);
    const socket = await open();
    socket.end(sent);
    const received = await buffer(socket);
    expect(received.equals(sent)).toBe(true);
    expect([link.there.bytes, link.back.bytes]).toEqual([sent.length, sent.length]);
  });

  it('passes on the end of one direction while the other goes on', async () => {
    onConnection = (socket) => {
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
      });
      socket.on('end', () => socket.end(`heard ${bytes} bytes`));
    };
    const socket = await open();
    socket.end('question');
    expect((await buffer(socket)).toString()).toBe('heard 8 bytes');
  });

  it('lets no byte arrive before the handshake and the way there and back', async () => {
    link.change({ roundTripMs: 60 });
    const startMs = systemClock.monotonic();
    const socket = await open();
    socket.write('x');
    await once(socket, 'data');
    // One round trip for the handshake, one for the byte; timers may fire a millisecond early.
    expect(systemClock.monotonic() - startMs).toBeGreaterThanOrEqual(118);
    socket.destroy();
  });

  it('takes at least as long as the bandwidth says, for all connections together', async () => {
    link.change({ megabitsPerSecond: 80 });
    const startMs = systemClock.monotonic();
    const both = await Promise.all([open(), open()]);
    for (const socket of both) socket.end(randomBytes(1_000_000));
    await Promise.all(both.map((socket) => buffer(socket)));
    // Two megabytes at ten megabytes a second.
    expect(systemClock.monotonic() - startMs).toBeGreaterThanOrEqual(195);
  });

  it('is as quick as ever once it is restored, whatever was sent while it was slow', async () => {
    link.change({ megabitsPerSecond: 0.01 });
    const stuck = await open();
    stuck.write(randomBytes(200_000));
    const heard = once(stuck, 'data');
    const left = await open();
    left.on('error', () => undefined);
    left.write(randomBytes(200_000));
    await systemClock.sleep(20, AbortSignal.timeout(1_000));
    left.resetAndDestroy();
    link.restore();
    await heard;
    const socket = await open();
    socket.end('question');
    expect((await buffer(socket)).toString()).toBe('question');
    stuck.destroy();
  });

  it('carries one window in a round trip on each connection, whatever the line could carry', async () => {
    // So long that what other programs take from the processor is little beside it.
    const roundTripMs = 100;
    link.change({ roundTripMs, windowBytes: 64 * 1024 });
    const timed = async (connections: number): Promise<number> => {
      const startMs = systemClock.monotonic();
      const sockets = await Promise.all(Array.from({ length: connections }, open));
      for (const socket of sockets) socket.end(randomBytes((1024 * 1024) / connections));
      await Promise.all(sockets.map((socket) => buffer(socket)));
      return systemClock.monotonic() - startMs;
    };
    // What is read at once may be up to a window more than there was room for.
    const alone = await timed(1);
    expect(alone).toBeGreaterThanOrEqual(8 * roundTripMs);
    expect(await timed(8)).toBeLessThan(alone / 2);
  });

  it('leaves a source unread while the destination does not read', async () => {
    onConnection = () => undefined;
    link.change({ megabitsPerSecond: 1 });
    const socket = await open();
    let taken = 0;
    const bytes = Buffer.alloc(1_000_000);
    while (taken < 64 && socket.write(bytes)) taken += 1;
    expect(socket.writableNeedDrain).toBe(true);
    socket.destroy();
  });

  it.each(['client', 'target'])('passes on a reset by the %s', async (who) => {
    const socket = await open();
    socket.on('error', () => undefined);
    socket.write('hello');
    await once(socket, 'data');
    const [one, other] = who === 'client' ? [socket, accepted[0]] : [accepted[0], socket];
    const closed = new Promise((resolve) => other?.once('close', resolve));
    one?.resetAndDestroy();
    await closed;
  });

  it('resets what is connected when the line is cut, and what connects until it is up again', async () => {
    const socket = await open();
    const reset = once(socket, 'error');
    socket.write('hello');
    await once(socket, 'data');
    link.change({ state: 'cut' });
    expect((await reset)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(await failureOf(connect({ port, host: '127.0.0.1' }))).toMatchObject({ code: 'ECONNRESET' });
    link.change({ state: 'up' });
    const again = await open();
    again.end('hello');
    expect((await buffer(again)).toString()).toBe('hello');
  });

  it('resets some of the connections and spares the others', async () => {
    const spared = await open();
    const lost = await open();
    for (const socket of [spared, lost]) {
      socket.write('a');
      await once(socket, 'data');
    }
    const failed = failureOf(lost);
    const answers = [true, false];
    link.resetConnections(() => answers.shift() ?? true);
    expect((await failed).message).toContain('ECONNRESET');
    spared.write('still here');
    expect(String((await once(spared, 'data'))[0])).toBe('still here');
    spared.destroy();
  });

  it('keeps back what is sent into a black hole until the line is up again', async () => {
    const socket = await open();
    socket.write('one');
    await once(socket, 'data');
    link.change({ state: 'blackhole' });
    socket.write('two');
    const heard = once(socket, 'data');
    expect(await Promise.race([heard, systemClock.sleep(100, new AbortController().signal)])).toBeUndefined();
    link.change({ state: 'up' });
    expect(String((await heard)[0])).toBe('two');
    socket.destroy();
  });

  it.each([
    ['blackhole-there', '', 'banner, '],
    ['blackhole-back', 'question', ''],
  ] as const)('keeps back one direction only with %s', async (state, heardThere, heardBack) => {
    let there = '';
    onConnection = (target) => {
      target.on('data', (chunk) => {
        there += String(chunk);
      });
    };
    const socket = await open();
    let back = '';
    socket.on('data', (chunk) => {
      back += String(chunk);
    });
    while (accepted.length === 0) await systemClock.sleep(1, new AbortController().signal);
    link.change({ state });
    socket.write('question');
    accepted[0]?.write('banner, ');
    await systemClock.sleep(100, new AbortController().signal);
    expect([there, back]).toEqual([heardThere, heardBack]);
    link.change({ state: 'up' });
    while (there === '' || back === '') await systemClock.sleep(1, new AbortController().signal);
    expect([there, back]).toEqual(['question', 'banner, ']);
    socket.destroy();
  });

  it('outlives a target that takes a connection and resets it before the client hears of it', async () => {
    onConnection = (target) => {
      void systemClock.sleep(30, new AbortController().signal).then(() => target.resetAndDestroy());
    };
    link.change({ roundTripMs: 200 });
    expect(await failureOf(connect({ port, host: '127.0.0.1' }))).toMatchObject({ code: 'ECONNRESET' });
  });

  it('resets a client whose target does not listen', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port: closedPort } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    port = await network.addRelay(link, { listenPort: 0, targetPort: closedPort });
    expect(await failureOf(connect({ port, host: '127.0.0.1' }))).toMatchObject({ code: 'ECONNRESET' });
  });

  it('forgets connections that are over', async () => {
    const socket = await open();
    socket.end('hello');
    await buffer(socket);
    while (link.connections > 0) await systemClock.sleep(1, new AbortController().signal);
    expect(link.connections).toBe(0);
  });
});
