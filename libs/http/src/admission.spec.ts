import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RegistryError } from '#libs/oci';
import { Admission, type Lane } from './admission.js';

describe('Admission', () => {
  const refused: Lane[] = [];
  const underWay = { pulls: 0, pushes: 0, copies: 0 };
  let server: Server;
  let admission: Admission;

  beforeEach(async () => {
    refused.length = 0;
    admission = new Admission({
      places: { pulls: 1, pushes: 1, copies: 1 },
      onRefused: (lane) => refused.push(lane),
      onChange: (lane, count) => {
        underWay[lane] = count;
      },
    });
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** The answer to a request that nobody answers yet, and how its client goes away. */
  async function open(): Promise<{ readonly response: ServerResponse; leave(): void }> {
    const client = new AbortController();
    const { port } = server.address() as AddressInfo;
    fetch(`http://127.0.0.1:${port}/`, { signal: client.signal }).catch(() => undefined);
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
    return { response, leave: () => client.abort() };
  }

  it('refuses who comes when all places of the lane are taken, and nobody else', async () => {
    admission.admit('pulls', (await open()).response);
    const { response } = await open();
    expect(() => admission.admit('pulls', response)).toThrow(RegistryError);
    expect(refused).toEqual(['pulls']);
    admission.admit('pushes', response);
    expect(underWay).toEqual({ pulls: 1, pushes: 1, copies: 0 });
  });

  it.each<[string, (opened: { readonly response: ServerResponse; leave(): void }) => void]>([
    ['is sent', ({ response }) => response.end()],
    ['is cut off', ({ response }) => response.destroy()],
    ['has nobody to read it any more', ({ leave }) => leave()],
  ])('gives the place to another one when the answer %s', async (_how, end) => {
    const first = await open();
    admission.admit('pulls', first.response);
    const closed = once(first.response, 'close');
    end(first);
    await closed;
    admission.admit('pulls', (await open()).response);
    expect(refused).toEqual([]);
  });

  it('keeps no place for whom is gone already', async () => {
    const { response, leave } = await open();
    const closed = once(response, 'close');
    leave();
    await closed;
    admission.admit('copies', response);
    expect(underWay.copies).toBe(0);
  });
});
