import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName, type TokenSubject } from '#libs/geo';
import { HttpPeerClient, type RegionSteering } from '#libs/peer';
import { openRegionContent } from '#libs/registry';
import { ControlStore, FailedCopies, LocalSteering } from '#libs/replication';
import { systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore } from '#libs/storage';
import { Access } from '../access.js';
import { openExchange } from '../exchange.js';
import { sendError } from '../send-error.js';
import { Hints } from './hints.js';
import { PeerApi } from './peer-api.js';

const key = Buffer.alloc(32, 1);
const signal = new AbortController().signal;
const [north, south, west] = ['north', 'south', 'west'].map(parseRegionName) as [never, never, never];
const never = () => Promise.reject(new Error('must not be asked'));

describe('how the primary steers a region', () => {
  let steering: LocalSteering;
  const clients: HttpPeerClient[] = [];
  const server = createServer(async (request, response) => {
    const exchange = openExchange(request, response, { requestId: 'r1', signal });
    const access = new Access({
      ...{ region: south, anonymousAccess: 'push', clock: systemClock },
      ...{ grantKey: key, regionTokenKey: key },
    });
    const store = new MemoryObjectStore({ clock: systemClock });
    const api = new PeerApi({
      content: openRegionContent({ store, clock: systemClock, random: systemRandom }),
      pull: { manifest: never, blob: never },
      summary: {} as never,
      hints: new Hints(),
      status: { current: () => ({}) as never, changes: async function* () {} },
      presence: { presence: never },
      ...{ steering, primary: north, clock: systemClock },
    });
    const log = { warn: () => undefined, error: () => undefined };
    const handled = async () => api.handle(exchange, access.authorise(exchange, 'peer', undefined).subject);
    await handled().catch((error: unknown) => sendError(exchange, error, { log, clock: systemClock }));
  });

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    server.close();
  });
  beforeEach(() => {
    const store = new MemoryObjectStore({ clock: systemClock });
    steering = new LocalSteering({
      ...{ controls: new ControlStore(store), failedCopies: new FailedCopies(store) },
      ...{ clock: systemClock, onChanged: () => undefined },
    });
  });

  function seenBy(self: TokenSubject): RegionSteering {
    const { port } = server.address() as AddressInfo;
    const origin = `http://127.0.0.1:${port}`;
    const client = new HttpPeerClient({ region: south, origin, self, key, clock: systemClock });
    clients.push(client);
    return client.steering;
  }

  it('is kept there', async () => {
    const remote = seenBy({ kind: 'region', name: north });
    expect(await remote.control(signal)).toEqual({ pausedSinceMs: undefined, limits: undefined });
    const paused = await remote.change({ kind: 'pause' }, signal);
    expect(paused.pausedSinceMs).toBeGreaterThan(0);
    const limits = [{ bytesPerSecond: 100_000, timeZone: 'Europe/Amsterdam' }];
    expect(await remote.change({ kind: 'limits', limits }, signal)).toEqual({ ...paused, limits });
    expect(await steering.control(signal)).toEqual({ ...paused, limits });
    expect(await remote.change({ kind: 'limits', limits: undefined }, signal)).toEqual(paused);
    expect(await remote.failed(signal)).toEqual([]);
  });

  it.each<[string, TokenSubject]>([
    ['another region', { kind: 'region', name: west }],
    ['the router', { kind: 'router' }],
  ])('is not for %s', async (_who, self) => {
    const remote = seenBy(self);
    for (const asked of [remote.control(signal), remote.change({ kind: 'pause' }, signal), remote.failed(signal)]) {
      await expect(asked).rejects.toMatchObject({ code: 'refused' });
    }
    expect((await steering.control(signal)).pausedSinceMs).toBeUndefined();
  });

  it('is not for those who are nobody, and a change has to be one', async () => {
    const { port } = server.address() as AddressInfo;
    const anonymous = await fetch(`http://127.0.0.1:${port}/_meridian/v1/controls`, { method: 'POST', body: '{}' });
    expect(anonymous.status).toBe(403);
    const remote = seenBy({ kind: 'region', name: north });
    await expect(remote.change({ kind: 'explode' } as never, signal)).rejects.toMatchObject({ code: 'refused' });
  });
});
