import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '#libs/resilience';
import type { SeededRandom } from '#libs/resilience/testing';
import { WriteTrap } from './write-trap.js';

/** How bad a server is, a store or another region: shares of its requests, from 0 to 1, that go wrong in each way. */
export interface Weather {
  /** 503 before anything was done. */
  readonly unavailable: number;
  /** The write is done, and answered with 503, or with nothing. */
  readonly afterEffect: number;
  /** A body breaks off in the middle: of an answer, or of what is sent. */
  readonly cut: number;
  /** The body of an answer stops in the middle, for so long. */
  readonly stall: number;
  readonly stallMs: number;
  /** One byte of content that is read is another one. */
  readonly flip: number;
  /** Every request waits so long first. */
  readonly delayMs: number;
  /** Writes are refused: the disk is full. */
  readonly full: boolean;
}

export const FAIR: Weather = {
  unavailable: 0,
  afterEffect: 0,
  cut: 0,
  stall: 0,
  stallMs: 4_000,
  flip: 0,
  delayMs: 0,
  full: false,
};

/** Content that is named by its digest. A store that lies about its small records lies to everybody; TLS is against that. */
export const HASHED_IN_STORE = /^\/[^/]+\/(data|manifests)\//;
const WRITES = new Set(['PUT', 'POST', 'DELETE']);

type Mishap = 'none' | 'unavailable' | 'afterEffect' | 'cutRequest' | 'cut' | 'stall' | 'flip' | 'full';

/** Stands before a server. What it passes on is byte for byte what came: signatures cover the Host header, too. */
export class FaultyProxy {
  weather: Weather = FAIR;
  /** For whoever wants to be there when something is written. */
  readonly trap = new WriteTrap();
  readonly counts = new Map<Mishap, number>();
  readonly #server: Server;
  readonly #closing = new AbortController();

  constructor(
    private readonly targetPort: number,
    /** What may be given with another byte: paths of content that is checked. */
    private readonly hashed: RegExp,
    private readonly random: SeededRandom,
    private readonly clock: Clock,
  ) {
    this.#server = createServer((incoming, response) => {
      // A request that was destroyed has no socket any more.
      const { socket } = incoming;
      this.#serve(incoming, response).catch(() => socket.destroy());
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(port: number): Promise<void> {
    this.#server.listen({ host: '127.0.0.1', port });
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const mishap = this.#mishapFor(incoming);
    this.counts.set(mishap, (this.counts.get(mishap) ?? 0) + 1);
    if (this.weather.delayMs > 0) await this.clock.sleep(this.weather.delayMs, this.#closing.signal);
    if (mishap === 'unavailable') return refuse(incoming, response, 503, 'SlowDown');
    if (mishap === 'full') return refuse(incoming, response, 507, 'XMinioStorageFull');
    const trap = WRITES.has(incoming.method ?? '') ? this.trap.take() : undefined;
    if (trap?.moment === 'before') {
      await trap.spring();
      incoming.socket.destroy();
      return;
    }
    const answer = await this.#ask(incoming, mishap);
    if (trap !== undefined) {
      answer.resume();
      await once(answer, 'end');
      await trap.spring();
      incoming.socket.destroy();
      return;
    }
    if (mishap === 'afterEffect') {
      answer.resume();
      await once(answer, 'end');
      if (this.random.next() < 0.5) incoming.socket.destroy();
      else refuse(incoming, response, 503, 'SlowDown');
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    // A stream has an answer long before it has something to say.
    response.flushHeaders();
    const length = Number(answer.headers['content-length'] ?? 0);
    await pipeline(answer, this.#spoiling(mishap, length), response);
  }

  #mishapFor({ method = '', url = '' }: IncomingMessage): Mishap {
    const { unavailable, afterEffect, cut, stall, flip, full } = this.weather;
    const writes = WRITES.has(method);
    if (full && writes && method !== 'DELETE') return 'full';
    // One throw for each kind, whatever the request is, so that a rate is what it says.
    const [a, b, c, d, e] = [0, 1, 2, 3, 4].map(() => this.random.next()) as [number, number, number, number, number];
    if (a < unavailable) return 'unavailable';
    if (writes && b < afterEffect) return 'afterEffect';
    if (c < cut) return method === 'PUT' ? 'cutRequest' : 'cut';
    if (method !== 'GET') return 'none';
    if (d < stall) return 'stall';
    return e < flip && this.hashed.test(url) ? 'flip' : 'none';
  }

  async #ask(incoming: IncomingMessage, mishap: Mishap): Promise<IncomingMessage> {
    const { method, url, rawHeaders } = incoming;
    const address = { host: '127.0.0.1', port: this.targetPort, method, path: url, setHost: false };
    const outgoing = request({ ...address, headers: rawHeaders as unknown as Record<string, string> });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    const length = Number(incoming.headers['content-length'] ?? 0);
    const sent = pipeline(incoming, this.#spoiling(mishap === 'cutRequest' ? 'cut' : 'none', length), outgoing);
    // A server may answer before it has everything; then the answer counts.
    sent.catch((error) => outgoing.destroy(error));
    const [answer] = await answered;
    return answer;
  }

  #spoiling(mishap: Mishap, length: number): Transform {
    let left = Math.floor(length * this.random.next());
    let done = mishap === 'none' || mishap === 'cutRequest';
    const spoil = async (chunk: Buffer): Promise<Buffer> => {
      if (done) return chunk;
      if (left >= chunk.length) {
        left -= chunk.length;
        return chunk;
      }
      done = true;
      if (mishap === 'cut') throw new Error('the line broke');
      if (mishap === 'stall') await this.clock.sleep(this.weather.stallMs, this.#closing.signal);
      return mishap === 'flip' ? flipped(chunk, left) : chunk;
    };
    return new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        spoil(chunk).then((bytes) => next(null, bytes), next);
      },
    });
  }
}

function flipped(chunk: Buffer, at: number): Buffer {
  const copy = Buffer.from(chunk);
  copy[at] = (copy[at] ?? 0) ^ 0x01;
  return copy;
}

/** As MinIO words it. The body that was not asked for is read to its end, as MinIO does with small ones. */
function refuse(incoming: IncomingMessage, response: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  incoming.resume();
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) });
  response.end(incoming.method === 'HEAD' ? undefined : body);
}
