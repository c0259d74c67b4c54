import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { S3ObjectStore } from './s3-object-store.js';
import type { S3ObjectStoreOptions } from './s3-options.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const bytes = Buffer.from('some bytes');

function status(code: number, headers: Record<string, string> = {}, body = ''): Answer {
  return (request, response) => {
    request
      .resume()
      .on('end', () => response.writeHead(code, { etag: '"e"', 'content-length': body.length, ...headers }).end(body));
  };
}

const hangUp: Answer = (request) => request.socket.destroy();
const hangUpAfterBody: Answer = (request) => request.resume().on('end', () => request.socket.destroy());
const silence: Answer = (request) => request.resume();
const neverEnding: Answer = (request) => request.resume();

function parseTime(text = ''): number {
  return Date.parse(text.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
}

/** How the driver takes what no well-behaved server does: a server that answers by script. */
describe('S3ObjectStore before a server that misbehaves', () => {
  let server: Server;
  let store: S3ObjectStore;
  let answers: Answer[];
  let requests: IncomingMessage[];
  const signal = new AbortController().signal;

  function open(options: Partial<S3ObjectStoreOptions> = {}): S3ObjectStore {
    return new S3ObjectStore({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      bucket: 'b',
      accessKeyId: 'writer',
      secretAccessKey: 'secret',
      clock: systemClock,
      random: systemRandom,
      ...options,
    });
  }

  beforeEach(async () => {
    answers = [];
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      (answers.shift() ?? status(500))(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    store = open();
  });

  afterEach(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('reads again after a failure that may pass', async () => {
    answers = [status(503), hangUp, status(200, { etag: '"e"' }, 'hello')];
    expect(await store.read('k', signal)).toMatchObject({ key: 'k', size: 5, etag: '"e"' });
    expect(requests).toHaveLength(3);
  });

  it('gives up after three attempts', async () => {
    answers = [hangUp, hangUp, hangUp, hangUp];
    await expect(store.stat('k', signal)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(requests).toHaveLength(3);
  });

  it.each([
    ['a 503 from somewhere on the way', status(503)],
    ['a connection that breaks', hangUpAfterBody],
  ])('sends a conditional write once and knows not what came of it after %s', async (_what, answer) => {
    for (const condition of [{ kind: 'absent' }, { kind: 'matches', etag: '"e"' }] as const) {
      answers = [answer, status(200)];
      const before = requests.length;
      await expect(store.put('k', bytes, { condition, signal })).rejects.toMatchObject({
        code: 'unavailable',
        effect: 'unknown',
      });
      expect(requests.length - before).toBe(1);
    }
  });

  it('says which conditions it writes under', async () => {
    answers = [status(200), status(200), status(200)];
    await store.put('k', bytes, { condition: { kind: 'absent' }, signal });
    await store.put('k', bytes, { condition: { kind: 'matches', etag: '"e"' }, signal });
    await store.put('k', bytes, { signal });
    const told = requests.map(({ headers }) => [headers['if-none-match'], headers['if-match']]);
    expect(told).toEqual([
      ['*', undefined],
      [undefined, '"e"'],
      [undefined, undefined],
    ]);
  });

  it('ends when the store does not answer in time', async () => {
    const impatient = open({ requestTimeoutMs: 100 });
    answers = [silence];
    await expect(impatient.put('k', bytes, { condition: { kind: 'absent' }, signal })).rejects.toMatchObject({
      code: 'unavailable',
      effect: 'unknown',
    });
    await impatient.close();
  });

  it('takes a success that turns out to be an error for what it is', async () => {
    const part = { number: 1, offset: 0, size: 5, etag: '"e"' };
    answers = [status(200, {}, '<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>')];
    await expect(store.multipart.complete({ key: 'k', id: 'u' }, [part], signal)).rejects.toMatchObject({
      code: 'unavailable',
      effect: 'unknown',
    });
  });

  it('fails a body that ends too early', async () => {
    answers = [
      (_request, response) => response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy()),
    ];
    const opened = await store.open('k', { signal });
    await expect(opened?.body.toArray()).rejects.toThrow();
  });

  it('refuses a range that the store answers with another', async () => {
    const other = status(206, { 'content-range': 'bytes 0-4/10' }, 'hello');
    answers = [other, status(200, {}, 'helloworld'), other];
    const range = { start: 5, end: 9 };
    await expect(store.open('k', { range, signal })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('corrects its clock by the one of the store', async () => {
    const HOUR_MS = 3_600_000;
    const late = open({ clock: { ...systemClock, now: () => Date.now() - HOUR_MS } });
    answers = [status(200), status(200)];
    await late.put('k', bytes, { signal });
    await late.put('k', bytes, { signal });
    const [first, second] = requests.map(
      ({ url = '' }) => new URL(url, 'http://x').searchParams.get('X-Amz-Date') ?? '',
    );
    expect(parseTime(second) - parseTime(first)).toBeGreaterThan(HOUR_MS - 60_000);
    await late.close();
  });

  it('keeps the last bytes of a stream back until it knows that it ended well', async () => {
    answers = [neverEnding];
    const failure = new Error('the client went away');
    const body = Readable.from(
      (async function* () {
        yield bytes;
        throw failure;
      })(),
      { objectMode: false },
    );
    const writing = store.write('k', body, { size: bytes.byteLength, signal });
    await expect(writing).rejects.toMatchObject({ cause: failure });
    expect(requests[0]?.complete ?? false).toBe(false);
  });

  describe('presigning', () => {
    it('is not there without an address and a key that clients may see', () => {
      const reader = { accessKeyId: 'reader', secretAccessKey: 'r' };
      expect(store.presign).toBeUndefined();
      expect(open({ reader }).presign).toBeUndefined();
      expect(open({ publicEndpoint: 'https://s3.example.org' }).presign).toBeUndefined();
    });

    it('shows the public address and the key that only reads', async () => {
      const reader = { accessKeyId: 'reader', secretAccessKey: 'r' };
      const opened = open({ reader, publicEndpoint: 'https://s3.example.org' });
      const url = new URL(opened.presign?.({ key: 'data/x', expiresInMs: 90_000, contentType: 'text/plain' }) ?? '');
      expect(url.origin).toBe('https://s3.example.org');
      expect(decodeURIComponent(url.pathname)).toBe('/b/data/x!');
      expect(url.searchParams.get('response-content-type')).toBe('text/plain');
      expect(url.searchParams.get('X-Amz-Expires')).toBe('90');
      expect(url.searchParams.get('X-Amz-Credential')).toMatch(/^reader\//);
      expect(url.href).not.toContain('writer');
    });
  });
});
