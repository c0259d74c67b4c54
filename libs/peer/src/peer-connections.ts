import type { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { issueRegionToken, REGION_TOKEN_SCHEME, type RegionName, type TokenSubject } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import { PeerError } from './peer-error.js';
import { PEER_PATH } from './wire.js';

/** A long way twice, and a lost packet. */
const CONNECT_LIMIT_MS = 3_000;
/** Until the answer begins; a store behind it may be slow. */
const FIRST_BYTE_LIMIT_MS = 15_000;
/** Between two chunks of an answer. */
const IDLE_LIMIT_MS = 30_000;
/** More at once than copies, streams and pulls of one process need; it only bounds what goes wrong. */
const MAX_CONNECTIONS = 256;

/** So many blobs of an image that comes after a pause are asked for without opening a connection first. */
const WARM_CONNECTIONS = 4;

/** A region's registry closes what was quiet for 65 s, and proxies between regions often after 60 s. */
const WARM_EVERY_MS = 30_000;

/** A small part of a token's life. */
const TOKEN_REUSE_MS = 10_000;

const MAX_DISCARDED_BYTES = 64 * 1024;

export interface PeerRequest {
  readonly query?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /** How long the peer was asked to wait with its answer. */
  readonly waitMs?: number;
  readonly idleMs?: number;
  readonly signal: AbortSignal;
}

/** The beginning of an answer that is neither a refusal (4xx but 404) nor a failure (5xx). Read its body or discard it. */
export interface PeerAnswer {
  readonly status: number;
  readonly body: Readable;
  header(name: string): string | undefined;
  /** The whole body. @throws PeerError `protocol` if it holds more than `maxBytes` */
  bytes(maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  discard(): void;
}

/** The connections to one region. */
export class PeerConnections {
  readonly #pool: Pool;
  #token: { readonly text: string; readonly issuedMs: number } | undefined;

  constructor(
    private readonly options: {
      readonly region: RegionName;
      readonly origin: string;
      readonly self: TokenSubject;
      readonly key: Uint8Array;
      readonly clock: Clock;
    },
  ) {
    this.#pool = new Pool(options.origin, {
      connections: MAX_CONNECTIONS,
      connect: { timeout: CONNECT_LIMIT_MS },
      bodyTimeout: IDLE_LIMIT_MS,
    });
  }

  get region(): RegionName {
    return this.options.region;
  }

  get clock(): Clock {
    return this.options.clock;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /**
   * Keeps some connections open until the signal aborts: to open one takes a round trip, and what comes after a quiet minute
   * would wait for it. Who does not answer is asked again the next time.
   */
  async keepWarm(signal: AbortSignal): Promise<void> {
    for (;;) {
      // At the same time, or one connection would do for all; and no HEAD, after which undici closes a connection.
      const asked = Array.from({ length: WARM_CONNECTIONS }, () => this.request('GET', '/status', { signal }));
      for (const answer of await Promise.allSettled(asked)) if (answer.status === 'fulfilled') answer.value.discard();
      await this.options.clock.sleep(WARM_EVERY_MS, signal);
    }
  }

  /** @throws PeerError, or the signal's reason */
  async request(method: 'GET' | 'HEAD' | 'POST', path: string, request: PeerRequest): Promise<PeerAnswer> {
    const { query = {}, headers = {}, body, waitMs = 0, idleMs = IDLE_LIMIT_MS, signal } = request;
    signal.throwIfAborted();
    const token = this.#currentToken();
    const response = await this.#pool
      .request({
        method,
        path: `${PEER_PATH}${path}`,
        query,
        ...(body === undefined ? {} : { body }),
        headers: { 'accept-encoding': 'identity', ...headers, authorization: `${REGION_TOKEN_SCHEME} ${token}` },
        headersTimeout: FIRST_BYTE_LIMIT_MS + waitMs,
        bodyTimeout: idleMs,
        signal,
      })
      .catch((error: unknown) => {
        throw this.explain(error, 'unreachable', signal);
      });
    return this.#accept(this.#answer(response));
  }

  /** It lives for minutes; to sign one for each request costs more than most of what a request carries. */
  #currentToken(): string {
    const { key, self, clock } = this.options;
    const nowMs = clock.now();
    const ageMs = nowMs - (this.#token?.issuedMs ?? Number.NEGATIVE_INFINITY);
    if (this.#token === undefined || ageMs < 0 || ageMs > TOKEN_REUSE_MS)
      this.#token = { text: issueRegionToken(key, self, clock), issuedMs: nowMs };
    return this.#token.text;
  }

  /** A failure in this port's terms; `code`: before or after the answer began. */
  explain(error: unknown, code: 'unreachable' | 'stalled', signal: AbortSignal): Error {
    if (error instanceof PeerError) return error;
    if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
    const { region } = this.options;
    if (error instanceof RangeError) return new PeerError('protocol', region, error.message, { cause: error });
    const message = error instanceof Error ? error.message : String(error);
    return new PeerError(code, region, message, { cause: error });
  }

  #accept(answer: PeerAnswer): PeerAnswer {
    const { status } = answer;
    if (status === 200 || status === 206 || status === 404) return answer;
    answer.discard();
    const { region } = this.options;
    if (status >= 500 || status === 429) throw new PeerError('unavailable', region, `it answered ${status}`);
    if (status === 410) throw new PeerError('gone', region, 'it does not have that any more');
    if (status >= 400) throw new PeerError('refused', region, `it answered ${status}`);
    throw new PeerError('protocol', region, `it answered ${status}`);
  }

  #answer(response: Dispatcher.ResponseData): PeerAnswer {
    const { statusCode, headers, body } = response;
    return {
      status: statusCode,
      body,
      header: (name) => {
        const value = headers[name];
        return typeof value === 'string' ? value : undefined;
      },
      bytes: (maxBytes, signal) => this.#readAll(body, maxBytes, signal),
      // A short rest is read, so that its connection can be used again; a long one ends it.
      discard: () => void body.dump({ limit: MAX_DISCARDED_BYTES }).catch(() => undefined),
    };
  }

  async #readAll(body: Readable, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxBytes) throw new RangeError(`an answer of more than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (error) {
      throw this.explain(error, 'stalled', signal);
    }
  }
}
