import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer, json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { deriveClusterKey, parseRegionName, verifyRegionToken } from '#libs/geo';
import { digestOf, parseDigest, parseReference, parseRepositoryName } from '#libs/oci';
import { type Clock, systemClock } from '#libs/resilience';
import { framedBlob, HttpPeerClient, PeerError } from './index.js';
import { describePeerClient, type MemoryRegion } from './testing/index.js';
import { parseImageName } from './testing/parse-image-name.js';

const key = deriveClusterKey(Buffer.alloc(32, 1), 'region-token');
const signal = new AbortController().signal;
const repository = parseRepositoryName('team/app');
const digest = digestOf('content');

async function serve(listener: RequestListener, clock: Clock = systemClock) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const opened = { connections: 0 };
  server.on('connection', () => {
    opened.connections += 1;
  });
  const client = new HttpPeerClient({
    region: parseRegionName('south'),
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    self: { kind: 'region', name: parseRegionName('north') },
    key,
    clock,
  });
  const cut = async () => {
    server.closeAllConnections();
    server.close();
  };
  const close = async () => {
    await client.close();
    await cut();
  };
  return { client, cut, close, opened };
}

/** The internal API over data alone: what the client's other end has to look like. */
const apiOf =
  (region: MemoryRegion): RequestListener =>
  (request, response) => {
    const url = new URL(request.url ?? '', 'http://south');
    const answer = (body: unknown, status = 200) => response.writeHead(status).end(JSON.stringify(body));
    const lines = (values: readonly unknown[]) =>
      response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    const token = request.headers.authorization?.replace('Meridian ', '') ?? '';
    if (verifyRegionToken(key, token, systemClock.now()) === undefined) return answer({}, 403);
    const path = url.pathname.replace('/_meridian/v1', '');
    const parameter = (name: string) => url.searchParams.get(name) ?? '';
    const name = parseImageName(parameter('repository'), parameter('reference'));
    if (path === '/journal') {
      const after = Number(parameter('after'));
      return lines(region.messages.filter((message) => message.kind !== 'entry' || message.entry.seq > after));
    }
    if (path === '/blobs') {
      return void json(request).then((body) => {
        const { digests } = body as { readonly digests: readonly string[] };
        response.end(Buffer.concat(digests.flatMap((each) => framedBlob(region.blobs.get(parseDigest(each))))));
      });
    }
    if (path === '/status') return answer(region.state);
    if (path === '/status/stream') return lines([region.state]);
    if (path === '/presence' && name !== undefined) return answer(region.presence(name));
    if (path === '/links') {
      const blob = region.linked(parameter('repository'), parameter('digest'));
      return blob === undefined ? answer({}, 404) : answer(blob);
    }
    if (path === '/manifests') {
      const manifest = region.manifest(parameter('repository'), parameter('reference'));
      if (manifest === undefined) return answer({}, 404);
      return response
        .writeHead(200, {
          'Content-Type': manifest.mediaType,
          'Docker-Content-Digest': manifest.digest,
          ...(manifest.tagSeq === undefined ? {} : { 'Meridian-Tag-Seq': manifest.tagSeq }),
        })
        .end(manifest.content);
    }
    const bytes = [...region.blobs].find(([known]) => path === `/blobs/${known}`)?.[1];
    if (bytes === undefined) return answer({}, 404);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const size = { 'Meridian-Blob-Size': bytes.byteLength };
    if (range === null) return response.writeHead(200, size).end(bytes);
    const [start, end] = [Number(range[1]), range[2] === '' ? bytes.byteLength - 1 : Number(range[2])];
    return response
      .writeHead(206, { ...size, 'Content-Range': `bytes ${start}-${end}/${bytes.byteLength}` })
      .end(bytes.subarray(start, end + 1));
  };

describePeerClient('over HTTP', (region) => serve(apiOf(region)));

describe('a peer that lies or breaks', () => {
  let close: () => Promise<void> = async () => undefined;
  afterEach(() => close());

  async function peerThat(listener: RequestListener): Promise<HttpPeerClient> {
    const peer = await serve(listener);
    close = peer.close;
    return peer.client;
  }

  async function failure(promise: Promise<unknown>): Promise<PeerError> {
    const error: unknown = await promise.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(PeerError);
    return error as PeerError;
  }

  async function drain(messages: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of messages);
  }

  const line = (value: unknown) => `${JSON.stringify(value)}\n`;
  const entry = { type: 'tag.delete', repository, tag: 'a', seq: 1, epoch: 1, timeMs: 1 };

  it.each([
    ['503', 503, 'unavailable'],
    ['429', 429, 'unavailable'],
    ['403', 403, 'refused'],
    ['302', 302, 'protocol'],
  ])('answers %s: the error says so', async (_name, status, code) => {
    const client = await peerThat((_request, response) => response.writeHead(status).end());
    expect(await failure(client.status(signal))).toMatchObject({ code });
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['another shape', '{"region":"south"}'],
    ['null', 'null'],
  ])('a status that is %s is a breach of protocol', async (_name, body) => {
    const client = await peerThat((_request, response) => response.end(body));
    expect(await failure(client.status(signal))).toMatchObject({ code: 'protocol' });
  });

  it.each([
    ['no JSON', 'nonsense\n'],
    ['a list', '[]\n'],
    ['an entry without a place', line({ kind: 'entry', entry: {} })],
    ['a gap', line({ kind: 'entry', entry }) + line({ kind: 'entry', entry: { ...entry, seq: 3 } })],
    ['an entry twice', line({ kind: 'entry', entry }) + line({ kind: 'entry', entry })],
    ['a head below zero', line({ kind: 'head', seq: -1, epoch: 1, timeMs: 1 })],
  ])('a journal with %s is a breach of protocol', async (_name, body) => {
    const client = await peerThat((_request, response) => response.end(body));
    expect(await failure(drain(client.journal(0, signal)))).toMatchObject({ code: 'protocol' });
  });

  it('keeps the place of an entry of an unknown type, and ignores unknown messages', async () => {
    const client = await peerThat((_request, response) =>
      response.end(
        line({ kind: 'weather', sun: true }) + line({ kind: 'entry', entry: { ...entry, type: 'quota.put' } }),
      ),
    );
    const heard = [];
    for await (const message of client.journal(0, signal)) heard.push(message);
    expect(heard).toEqual([{ kind: 'unreadable', seq: 1, reason: expect.stringContaining('quota.put') }]);
  });

  it('reads an entry that comes in many pieces', async () => {
    const text = line({ kind: 'entry', entry });
    const client = await peerThat((_request, response) => {
      for (const character of text) response.write(character);
      response.end('{"kind":"cut o');
    });
    const heard = [];
    for await (const message of client.journal(0, signal)) heard.push(message);
    expect(heard).toEqual([{ kind: 'entry', entry }]);
  });

  it('a journal that breaks in the middle is stalled', async () => {
    const client = await peerThat((_request, response) => {
      response.write(line({ kind: 'entry', entry }), () => response.destroy());
    });
    expect(await failure(drain(client.journal(0, signal)))).toMatchObject({ code: 'stalled' });
  });

  it.each([
    ['ends early', { 'Meridian-Blob-Size': 7 }, 200, 'cont', 'stalled'],
    ['is too long', { 'Meridian-Blob-Size': 3 }, 200, 'content', 'stalled'],
  ])('a body that %s fails, whatever its framing says', async (_name, headers, status, body, code) => {
    const client = await peerThat((_request, response) => response.writeHead(status, headers).end(body));
    const opened = await client.openBlob(digest, { signal });
    expect(await failure(buffer(opened?.body ?? Readable.from([])))).toMatchObject({ code });
  });

  it.each([
    ['has no size', {}, 200],
    ['is packed', { 'Meridian-Blob-Size': 7, 'Content-Encoding': 'gzip' }, 200],
    ['is another range', { 'Meridian-Blob-Size': 7, 'Content-Range': 'bytes 0-3/7' }, 206],
    ['ignores the range', { 'Meridian-Blob-Size': 7 }, 200],
  ])('a blob that %s is a breach of protocol', async (_name, headers, status) => {
    const client = await peerThat((_request, response) => response.writeHead(status, headers).end('tent'));
    const range = { start: 3 };
    expect(await failure(client.openBlob(digest, { range, signal }))).toMatchObject({ code: 'protocol' });
  });

  it('a manifest that does not hash to what was asked for is a breach of protocol', async () => {
    const headers = { 'Content-Type': 'application/json', 'Docker-Content-Digest': digest };
    const client = await peerThat((_request, response) => response.writeHead(200, headers).end('tampered'));
    const found = client.findManifest(repository, parseReference('v1'), signal);
    expect(await failure(found)).toMatchObject({ code: 'protocol' });
  });

  it('keeps connections open for blobs that come after a quiet time', async () => {
    const waiting: (() => void)[] = [];
    let rounds = 0;
    const sleep: Clock['sleep'] = (ms, until) => {
      rounds += 1;
      return systemClock.sleep(ms, until);
    };
    const { client, close, opened } = await serve(
      (_request, response) => {
        waiting.push(() => response.writeHead(200, { 'Content-Length': 2, 'Meridian-Blob-Size': 2 }).end('ok'));
        // Answered together: so many are under way at once.
        if (waiting.length === 4) for (const answer of waiting.splice(0)) answer();
      },
      { ...systemClock, sleep },
    );
    const ended = new AbortController();
    const warming = client.keepWarm(ended.signal).catch(() => undefined);
    while (rounds === 0) await systemClock.sleep(5, signal);
    const copies = await Promise.all(Array.from({ length: 4 }, () => client.openBlob(digest, { signal })));
    expect(opened.connections).toBe(4);
    for (const copy of copies) copy?.body.destroy();
    ended.abort(new Error('the test is over'));
    await warming;
    await close();
  });
});
