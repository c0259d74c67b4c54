import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, request as send } from 'undici';
import { toBucketKey } from './bucket-keys.js';
import { S3ResponseError } from './s3-errors.js';
import {
  CONNECT_TIMEOUT_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  MAX_SOCKETS,
  type S3ObjectStoreOptions,
} from './s3-options.js';
import { xmlText } from './s3-xml.js';
import { SigV4Presigner } from './sigv4-presigner.js';

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

/** What the driver reads of an answer's header. */
export interface ResponseHeaders {
  readonly etag: string;
  /** `NaN` if the store did not say it. */
  readonly contentLength: number;
  readonly contentRange: string;
  /** Milliseconds since the epoch by the store's clock, if it said so. */
  readonly lastModifiedMs?: number;
  readonly dateMs?: number;
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
  readonly #agent: Agent;
  readonly #signer: SigV4Presigner;
  readonly #endpoint: URL;
  #skewMs = 0;

  constructor(private readonly options: S3ObjectStoreOptions) {
    const timeout = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#agent = new Agent({
      connections: MAX_SOCKETS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    this.#signer = new SigV4Presigner(options, options.region);
    this.#endpoint = new URL(options.endpoint);
  }

  /** The time as the store has it: a signature by a clock that is wrong is refused. */
  storeNow(): number {
    return this.options.clock.now() + this.#skewMs;
  }

  /** The answer to a request that succeeded. @throws S3ResponseError for every other answer. */
  async send(request: S3Request): Promise<S3Response> {
    const { bucket } = this.options;
    const url = this.#signer.sign({
      method: request.method,
      endpoint: this.#endpoint,
      path: request.key === undefined ? bucket : `${bucket}/${toBucketKey(request.key)}`,
      ...(request.query && { query: request.query }),
      expiresSeconds: SIGNATURE_SECONDS,
      nowMs: this.storeNow(),
    });
    const response = await send(url, {
      dispatcher: this.#agent,
      method: request.method,
      headers: { ...request.headers },
      body: toBody(request.body),
      signal: request.signal,
    });
    const headers = readHeaders(response.headers);
    this.#compareClocks(headers);
    response.body.on('error', () => undefined); // an abort may destroy it before its owner listens
    if (response.statusCode >= 300) throw await readError(response);
    return { status: response.statusCode, headers, body: response.body };
  }

  /** As {@link send}, for a request that is answered in XML. A store may also begin a success and end in an error. */
  async ask(request: S3Request): Promise<string> {
    const { status, body } = await this.send(request);
    const text = await readText(body, MAX_TEXT_BYTES);
    if (text.includes('<Error>')) throw errorFrom(status, text);
    return text;
  }

  /** As {@link send}, for a request whose answer says nothing more. */
  async tell(request: S3Request): Promise<ResponseHeaders> {
    const { headers, body } = await this.send(request);
    await body.dump();
    return headers;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
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

function readHeaders(headers: Dispatcher.ResponseData['headers']): ResponseHeaders {
  const text = (name: string) => String(headers[name] ?? '');
  const lastModifiedMs = Date.parse(text('last-modified'));
  const dateMs = Date.parse(text('date'));
  return {
    etag: text('etag'),
    contentLength: Number.parseInt(text('content-length'), 10),
    contentRange: text('content-range'),
    ...(!Number.isNaN(lastModifiedMs) && { lastModifiedMs }),
    ...(!Number.isNaN(dateMs) && { dateMs }),
  };
}

async function readError({ statusCode, body }: Dispatcher.ResponseData): Promise<S3ResponseError> {
  return errorFrom(statusCode, await readText(body, MAX_ERROR_BYTES));
}

function errorFrom(status: number, text: string): S3ResponseError {
  return new S3ResponseError(status, xmlText(text, 'Code'), xmlText(text, 'Message'));
}

/** What is beyond `maxBytes` is not read. */
async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(chunks).toString();
}
