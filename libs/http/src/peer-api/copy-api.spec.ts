import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deriveClusterKey, parseRegionName } from '#libs/geo';
import { type BlobDescriptor, digestOf } from '#libs/oci';
import { HttpPeerClient } from '#libs/peer';
import { MemoryPeerClient, MemoryRegion } from '#libs/peer/testing';
import { openRegionContent, type RegionContent } from '#libs/registry';
import { Copier, FetchThrough, FOLLOWED_FROM_BYTES, freshProgress, MemoryCopyScratch } from '#libs/replication';
import { systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore } from '#libs/storage';
import { Access } from '../access.js';
import { openExchange } from '../exchange.js';
import { CopyApi } from './copy-api.js';

const key = deriveClusterKey(Buffer.alloc(32, 1), 'region-token');
const here = parseRegionName('here');
const far = parseRegionName('far');
const { signal } = new AbortController();
const text = 'layer '.repeat(FOLLOWED_FROM_BYTES / 4);

/** A primary that counts what it sends. */
class CountingPeer extends MemoryPeerClient {
  sent = 0;

  override async openBlob(...question: Parameters<MemoryPeerClient['openBlob']>) {
    const opened = await super.openBlob(...question);
    opened?.body.on('data', (chunk: Buffer) => {
      this.sent += chunk.length;
    });
    return opened;
  }
}

describe('CopyApi, as the processes of its region find it', () => {
  let remote: MemoryRegion;
  let primary: CountingPeer;
  let content: RegionContent;
  let copier: Copier;
  let server: Server;
  let client: HttpPeerClient;
  let copied: string[];
  let directory: string;

  beforeEach(async () => {
    const status = { role: 'primary', ready: true, lagSeconds: 0, timeMs: 1 } as const;
    remote = new MemoryRegion({ ...freshProgress('g'), region: far, ...status });
    primary = new CountingPeer(remote);
    const store = new MemoryObjectStore({ clock: systemClock });
    content = openRegionContent({ store, clock: systemClock, random: systemRandom });
    copied = [];
    copier = new Copier({
      store,
      blobs: content.blobs,
      sources: [primary],
      scratch: new MemoryCopyScratch(),
      onBytes: () => undefined,
      clock: systemClock,
      random: systemRandom,
    });
    const log = { warn: () => undefined, error: () => undefined };
    const keys = { grantKey: deriveClusterKey(Buffer.alloc(32, 1), 'grant'), regionTokenKey: key };
    const access = new Access({ region: here, anonymousAccess: 'push', ...keys, clock: systemClock });
    const onCopied = (digest: string) => void copied.push(digest);
    const api = new CopyApi({ copier, access, log, clock: systemClock, onCopied, signal });
    server = createServer((request, response) => {
      void api.handle(openExchange(request, response, { requestId: 'r1', signal }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    client = new HttpPeerClient({
      region: here,
      origin: origin(),
      self: { kind: 'region', name: here },
      key,
      clock: systemClock,
    });
    directory = await mkdtemp(join(tmpdir(), 'meridian-spool-'));
  });

  afterEach(async () => {
    await client.close();
    server.close();
    server.closeAllConnections();
    await rm(directory, { recursive: true, force: true });
  });

  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function fetchThrough(): FetchThrough {
    return new FetchThrough({
      blobs: content.blobs,
      source: primary,
      copies: client,
      directory,
      clock: systemClock,
      random: systemRandom,
      onStored: () => undefined,
      onError: () => undefined,
      signal,
    });
  }

  async function pulled(fetches: FetchThrough, blob: BlobDescriptor): Promise<boolean> {
    return (await buffer(await fetches.read(blob, undefined, signal))).equals(Buffer.from(text));
  }

  it('lets clients of several processes and the copy share one crossing', async () => {
    const blob = remote.addBlob(text);
    const processes = [fetchThrough(), fetchThrough()];
    const all = [...processes, ...processes].map((fetches) => pulled(fetches, blob));
    await copier.copy(blob, signal);
    expect(await Promise.all(all)).toEqual([true, true, true, true]);
    expect(primary.sent).toBe(blob.size);
    expect(await content.blobs.stat(blob.digest, signal)).toMatchObject(blob);
  });

  it('begins a copy for a client that asks first, and says so when it is done', async () => {
    const blob = remote.addBlob(text);
    expect(await pulled(fetchThrough(), blob)).toBe(true);
    await copier.copy(blob, signal);
    expect(copied).toEqual([blob.digest]);
    expect(primary.sent).toBe(blob.size);
  });

  it('is done without when it does not answer', async () => {
    const blob = remote.addBlob(text);
    server.close();
    server.closeAllConnections();
    expect(await pulled(fetchThrough(), blob)).toBe(true);
    expect(primary.sent).toBe(blob.size);
  });

  it('tells of nothing that is not being copied', async () => {
    const digest = digestOf('nothing');
    expect(await client.statCopy(digest, 0, signal)).toBeUndefined();
    expect(await client.openCopy(digest, { followMs: 0, signal })).toBeUndefined();
  });

  it.each([
    ['without a token', 'GET', `copies/${digestOf('x')}?followMs=0`, 403],
    ['of another kind', 'PUT', `copies/${digestOf('x')}?followMs=0`, 403],
  ])('refuses a request %s', async (_what, method, path, status) => {
    expect((await fetch(`${origin()}/_meridian/v1/${path}`, { method })).status).toBe(status);
  });
});
