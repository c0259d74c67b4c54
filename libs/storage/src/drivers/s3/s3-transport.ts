import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Pool, request as send } from 'undici';
import { toBucketKey } from './bucket-keys.js';
import { type ResponseHeaders, readHeaders } from './response-headers.js';
import { isMissing, S3ResponseError } from './s3-errors.js';
import {
  CONNECT_TIMEOUT_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  MAX_SOCKETS,
  type S3ObjectStoreOptions,
} from './s3-options.js';
import { xmlText } from './s3-xml.js';
import { SigV4Presigner } from './sigv4-presigner.js';
import { type WholeAnswer, wholeAnswer } from './whole-answer.js';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Without it, the request is of the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

export interface S3Response {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Readable & { dump(): Promise<unknown> };
}

/** An answer that is in memory. */
export interface S3Content {
  readonly headers: ResponseHeaders;
  readonly bytes: Buffer;
}

/** Long enough for a request to reach the store; the store looks at it when the request begins. */
const SIGNATURE_SECONDS = 900;
/** Clocks closer than this need no correction: stores accept a quarter of an hour. */
const TOLERATED_SKEW_MS = 60_000;
/** A page of a thousand of the longest keys holds less than two of these. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Requests to the store: signed here and sent without an SDK, which costs five times the CPU on a small object and half
 * as much again on a large one. Nothing is ever sent twice here.
 */
export class S3Transport {
  readonly #pool: Pool;
  readonly #signer: SigV4Presigner;
  readonly #endpoint: URL;
  #skewMs = 0;

  constructor(private readonly options: S3ObjectStoreOptions) {
    const timeout = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#endpoint = new URL(options.endpoint);
    this.#pool = new Pool(this.#endpoint.origin, {
      connections: MAX_SOCKETS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    this.#signer = new SigV4Presigner(options, options.region);
  }

  /** The time as the store has it: a signature by a clock that is wrong is refused. */
  storeNow(): number {
    return this.options.clock.now() + this.#skewMs;
  }

  /** The answer to a request that succeeded, whose body its owner reads. @throws S3ResponseError for every other answer. */
  async send(request: S3Request): Promise<S3Response> {
    const response = await send(this.#sign(request), {
      dispatcher: this.#pool,
      method: request.method,
      headers: { ...request.headers },
      body: toBody(request.body),
      signal: request.signal,
    });
    const headers = this.#read(response.headers);
    response.body.on('error', () => undefined); // an abort may destroy it before its owner listens
    if (response.statusCode >= 300) throw errorFrom(response.statusCode, await readText(response.body));
    return { status: response.statusCode, headers, body: response.body };
  }

  /**
   * An object's bytes, or the header alone of one that is longer than `maxBytes`; `undefined` if it is not there.
   * @throws S3ResponseError for every answer but these
   */
  async find(request: S3Request, maxBytes: number): Promise<S3Content | undefined> {
    const answer = await this.#whole(request, Math.max(maxBytes, MAX_ERROR_BYTES));
    if (answer.status < 300) return { headers: this.#read(answer.headers), bytes: answer.bytes };
    const error = textOf(answer);
    if (isMissing(answer.status, xmlText(error, 'Code'))) return undefined;
    throw errorFrom(answer.status, error);
  }

  /** The answer of a request that is answered in XML. A store may also begin a success and end in an error. */
  async ask(request: S3Request): Promise<string> {
    const answer = await this.#whole(request, MAX_TEXT_BYTES);
    const text = textOf(answer);
    if (answer.status >= 300 || text.includes('<Error>')) throw errorFrom(answer.status, text);
    return text;
  }

  /** Of a request whose answer says nothing more than that it succeeded. */
  async tell(request: S3Request): Promise<ResponseHeaders> {
    const answer = await this.#whole(request, MAX_ERROR_BYTES);
    if (answer.status >= 300) throw errorFrom(answer.status, textOf(answer));
    return this.#read(answer.headers);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #whole(request: S3Request, maxBytes: number): Promise<WholeAnswer> {
    const { method, headers = {}, body, signal } = request;
    const path = this.#sign(request).slice(this.#endpoint.origin.length);
    return wholeAnswer(this.#pool, { method, path, headers, body: toBody(body) }, maxBytes, signal);
  }

  #sign({ method, key, query }: S3Request): string {
    const { bucket } = this.options;
    return this.#signer.sign({
      method,
      endpoint: this.#endpoint,
      path: key === undefined ? bucket : `${bucket}/${toBucketKey(key)}`,
      ...(query && { query }),
      expiresSeconds: SIGNATURE_SECONDS,
      nowMs: this.storeNow(),
    });
  }

  #read(headers: IncomingHttpHeaders): ResponseHeaders {
    const read = readHeaders(headers);
    this.#compareClocks(read);
    return read;
  }

  #compareClocks({ dateMs }: ResponseHeaders): void {
    if (dateMs === undefined) return;
    const skewMs = dateMs - this.options.clock.now();
    this.#skewMs = Math.abs(skewMs) > TOLERATED_SKEW_MS ? skewMs : 0;
  }
}

function toBody(body: S3Request['body']): Uint8Array | Readable | null {
  // undici takes any async iterable; its types know only the one that Node calls Readable.
  return (body as Uint8Array | Readable | undefined) ?? null;
}

function errorFrom(status: number, text: string): S3ResponseError {
  return new S3ResponseError(status, xmlText(text, 'Code'), xmlText(text, 'Message'));
}

function textOf({ bytes }: WholeAnswer): string {
  return bytes.toString();
}

/** What an error says, but not more of it than an error has to say. */
async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString();
}
