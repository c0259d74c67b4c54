import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, type Dispatcher } from 'undici';
import { MAX_CONCERN_MS, type RegionSite, WRITE_CONCERN_HEADER } from '#libs/geo';
import { endUnread, leavesUnread } from '#libs/http';
import { RegistryError } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import { requestHeaders, responseHeaders } from './forwarded-headers.js';

const CONNECT_TIMEOUT_MS = 3_000;
/** A commit waits for the store, and for blobs that are large; a read is answered sooner. */
const FIRST_BYTE_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 30_000;
/** Per region; more wait for a free one. */
const MAX_CONNECTIONS = 256;

const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH']);

/** Errors that come before a region has seen anything of the request. */
const UNREACHABLE_CODES = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** A region did not answer. `reached`: it may have seen the request, so whether it did it is not known. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly reached: boolean;

  constructor(
    readonly site: RegionSite,
    cause: unknown,
  ) {
    super(`region ${site.name} did not answer`, { cause });
    this.reached = !UNREACHABLE_CODES.has(codeOf(cause));
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

export interface ForwardedRequest {
  readonly site: RegionSite;
  readonly request: IncomingMessage;
  readonly requestId: string;
  /** Path and query. */
  readonly target: string;
  /** Longest body that is passed on. */
  readonly maxBodyBytes: number;
}

/** Passes requests on to regions, and their answers back, without holding them in memory. */
export class Upstream {
  readonly #agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, connections: MAX_CONNECTIONS });

  constructor(private readonly clock: Clock) {}

  /**
   * Resolves with the head of the region's answer; its body must then be relayed or destroyed.
   * @throws UpstreamError · RegistryError `SIZE_INVALID` when the body is longer than it may be
   */
  async send(forwarded: ForwardedRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { request, maxBodyBytes } = forwarded;
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
    try {
      return await this.#dispatch(forwarded, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof RegistryError ? error : new UpstreamError(forwarded.site, error);
    }
  }

  /**
   * Gives a region's answer to the client, to its end. A body that breaks off breaks off for the client as well. A region
   * that refuses may answer before it has read what the client sends.
   */
  async relay(answer: Dispatcher.ResponseData, site: RegionSite, response: ServerResponse, signal: AbortSignal) {
    const close = leavesUnread(response.req) ? { Connection: 'close' } : {};
    response.writeHead(answer.statusCode, { ...responseHeaders(answer.headers, site), ...close });
    try {
      await pipeline(answer.body, response, { signal, end: false });
    } catch (error) {
      response.destroy();
      throw error;
    }
    await endUnread(response.req, response, Buffer.alloc(0), this.clock);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #dispatch({ site, request, requestId, target, maxBodyBytes }: ForwardedRequest, signal: AbortSignal) {
    const hasBody = carriesBody(request);
    const patienceMs = request.headers[WRITE_CONCERN_HEADER] === undefined ? 0 : MAX_CONCERN_MS;
    return this.#agent.request({
      origin: site.peerUrl,
      path: target,
      method: request.method as Dispatcher.HttpMethod,
      headers: { ...requestHeaders(request.headers, hasBody), 'x-request-id': requestId },
      body: hasBody ? Readable.from(limited(request, maxBodyBytes)) : null,
      headersTimeout: FIRST_BYTE_TIMEOUT_MS + patienceMs,
      bodyTimeout: IDLE_TIMEOUT_MS,
      signal,
    });
  }
}

function carriesBody(request: IncomingMessage): boolean {
  if (!BODY_METHODS.has(request.method ?? '')) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || Number(length ?? 0) > 0;
}

/** The cap holds while bytes arrive: a length that was never declared is counted (CVE-2017-11468). */
async function* limited(request: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  // The request is the connection: destroying it here would take the answer with it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    yield chunk;
  }
}

function tooLarge(): RegistryError {
  return new RegistryError('SIZE_INVALID', undefined, { status: 413, message: 'the manifest is too large' });
}
