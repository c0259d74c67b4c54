import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { freePort } from '../support/ports.js';
import { FAIR, FaultyProxy, HASHED_IN_STORE, type Weather } from './faulty-proxy.js';

const content = randomBytes(300_000);
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('a store that can be made faulty', () => {
  let store: Server;
  let proxy: FaultyProxy;
  let url: string;
  let heard: { request: IncomingMessage; body: Buffer }[];

  beforeEach(async () => {
    heard = [];
    store = createServer(async (request, response) => {
      heard.push({ request, body: await buffer(request).catch(() => Buffer.alloc(0)) });
      response.writeHead(200, { 'content-length': content.length, 'x-amz-meta-name': 'kept' });
      response.end(request.method === 'HEAD' ? undefined : content);
    });
    store.listen(0, '127.0.0.1');
    await once(store, 'listening');
    proxy = new FaultyProxy((store.address() as AddressInfo).port, HASHED_IN_STORE, new SeededRandom(1), systemClock);
    const port = await freePort();
    await proxy.listen(port);
    url = `http://127.0.0.1:${port}/bucket/data/one!`;
  });

  afterEach(async () => {
    await proxy.close();
    store.closeAllConnections();
    await new Promise((resolve) => store.close(resolve));
  });

  const weather = (change: Partial<Weather>): void => {
    proxy.weather = { ...FAIR, ...change };
  };

  it('passes everything on as it came, the Host header too, which signatures cover', async () => {
    const headers = { 'x-amz-date': 'now', authorization: 'AWS4 x' };
    const response = await fetch(url, { method: 'PUT', body: content, headers });
    expect(response.headers.get('x-amz-meta-name')).toBe('kept');
    expect(hashOf(Buffer.from(await response.arrayBuffer()))).toBe(hashOf(content));
    expect(heard[0]?.request.headers).toMatchObject({ ...headers, host: new URL(url).host });
    expect(hashOf(heard[0]?.body ?? Buffer.alloc(0))).toBe(hashOf(content));
  });

  it.each([
    [{ unavailable: 1 }, 503],
    [{ full: true }, 507],
  ])('with %j answers a write with %d, and the store hears nothing', async (change, status) => {
    weather(change);
    expect((await fetch(url, { method: 'PUT', body: content })).status).toBe(status);
    expect(heard).toEqual([]);
  });

  it('reads from a full disk', async () => {
    weather({ full: true });
    expect((await fetch(url)).status).toBe(200);
  });

  it('fails a write after its effect', async () => {
    weather({ afterEffect: 1 });
    const status = await fetch(url, { method: 'PUT', body: content }).then(
      (response) => response.status,
      () => 'reset',
    );
    expect([503, 'reset']).toContain(status);
    expect(heard.length).toBe(1);
  });

  it.each(['GET', 'PUT'])('breaks off the body of a %s', async (method) => {
    weather({ cut: 1 });
    const body = method === 'PUT' ? content : null;
    await expect(fetch(url, { method, body }).then((response) => response.arrayBuffer())).rejects.toThrow();
  });

  it('flips one bit of what is read, and keeps its length', async () => {
    weather({ flip: 1 });
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(bytes.length).toBe(content.length);
    expect(content.filter((byte, at) => byte !== bytes[at]).length).toBe(1);
  });

  it('leaves records alone that no digest names', async () => {
    weather({ flip: 1 });
    const bytes = Buffer.from(await (await fetch(url.replace('/data/', '/tags/'))).arrayBuffer());
    expect(hashOf(bytes)).toBe(hashOf(content));
  });
});
