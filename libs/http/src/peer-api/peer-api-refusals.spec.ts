import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { LocalSummary, openRegionContent } from '#libs/registry';
import { systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore } from '#libs/storage';
import { openExchange } from '../exchange.js';
import { sendError } from '../send-error.js';
import { Hints } from './hints.js';
import { PeerApi } from './peer-api.js';

const never = () => Promise.reject(new Error('must not be asked'));
const store = new MemoryObjectStore({ clock: systemClock });
const content = openRegionContent({
  store,
  clock: systemClock,
  random: systemRandom,
});
const api = new PeerApi({
  content,
  pull: { manifest: never, blob: never },
  summary: new LocalSummary({
    ...{ store, content, objectsPerSecond: 1_000, rateBytesPerSecond: 1e12, clock: systemClock },
    upTo: never,
  }),
  hints: new Hints(),
  status: {
    current: () => {
      throw new Error('must not be asked');
    },
    changes: async function* () {},
  },
  presence: { presence: never },
  clock: systemClock,
});
const digest = digestOf('content');
const server = createServer(async (request, response) => {
  const { signal } = new AbortController();
  const exchange = openExchange(request, response, { requestId: 'r1', signal });
  const log = { warn: () => undefined, error: () => undefined };
  await api.handle(exchange).catch((error: unknown) => sendError(exchange, error, { log, clock: systemClock }));
});

describe('what the internal API refuses', () => {
  beforeAll(async () => {
    const body = Readable.from([Buffer.from('content')]);
    await content.blobs.store({ digest }, body, new AbortController().signal);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each([
    ['a path that it does not have', 'GET', '/weather', 404, 'NOT_FOUND'],
    ['the journal at a replica', 'GET', '/journal?after=0', 404, 'NOT_FOUND'],
    ['to change anything', 'POST', '/status', 405, 'UNSUPPORTED'],
    ['a summary of nothing', 'GET', '/summary?of=weather', 404, 'NOT_FOUND'],
    ['a summary without a position', 'GET', '/summary?of=region', 400, 'UNSUPPORTED'],
    ['items of no bucket', 'GET', '/summary?of=items&repository=a&buckets=0', 400, 'UNSUPPORTED'],
    ['what is no digest', 'GET', '/blobs/sha256:123', 400, 'DIGEST_INVALID'],
    ['a blob that is not here', 'GET', `/blobs/${digestOf('other')}`, 404, 'BLOB_UNKNOWN'],
    ['an image without a repository', 'GET', '/manifests?reference=v1', 400, 'UNSUPPORTED'],
    ['two repositories at once', 'GET', '/manifests?repository=a&repository=b&reference=v1', 400, 'UNSUPPORTED'],
    ['a repository that cannot be', 'GET', '/links?repository=A&digest=b', 400, 'NAME_INVALID'],
    ['to wait too long', 'GET', '/presence?repository=a&reference=b&waitMs=60001', 400, 'UNSUPPORTED'],
    ['to wait for no number', 'GET', '/presence?repository=a&reference=b&waitMs=1e3', 400, 'UNSUPPORTED'],
  ])('%s', async (_what, method, path, status, code) => {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/_meridian/v1${path}`, { method });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ errors: [{ code }] });
  });

  it('a range beyond the end, and says how long the blob is', async () => {
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/_meridian/v1/blobs/${digest}`;
    const answer = await fetch(url, { headers: { range: 'bytes=7-' } });
    expect(answer.status).toBe(416);
    expect(answer.headers.get('content-range')).toBe('bytes */7');
  });
});
