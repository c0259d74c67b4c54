import type { PeerAnswer, PeerConnections, PeerRequest } from './peer-connections.js';
import { PeerError } from './peer-error.js';
import { readLines } from './read-lines.js';
import { unlessSilent } from './unless-silent.js';

/** Thousands of digests, or of entries beyond a watermark. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;

/** By the HTTP client; see {@link unlessSilent}. */
const UNWATCHED = 0;

/** What is asked of one region, and answers that are checked before they are believed. */
export class PeerQuestions {
  constructor(private readonly connections: PeerConnections) {}

  request(method: 'GET' | 'HEAD' | 'POST', path: string, request: PeerRequest): Promise<PeerAnswer> {
    return this.connections.request(method, path, request);
  }

  /** `undefined`: it has no such thing. */
  async find(path: string, request: PeerRequest): Promise<PeerAnswer | undefined> {
    const answer = await this.request('GET', path, request);
    if (answer.status !== 404) return answer;
    answer.discard();
    return undefined;
  }

  /** @throws PeerError `refused` if it has no such resource, `protocol` if what it says is not what `parse` takes */
  async json<T>(method: 'GET' | 'POST', path: string, request: PeerRequest, parse: (value: unknown) => T): Promise<T> {
    const answer = await this.request(method, path, request);
    this.expectFound(answer);
    return this.readJson(answer, parse, request.signal);
  }

  async readJson<T>(
    answer: PeerAnswer,
    parse: (value: unknown) => T,
    signal: AbortSignal,
    maxBytes = MAX_JSON_BYTES,
  ): Promise<T> {
    const bytes = await answer.bytes(maxBytes, signal);
    return this.parsed(() => parse(JSON.parse(Buffer.from(bytes).toString('utf8'))));
  }

  /** Each line's value, for as long as the answer lasts. Empty lines say only that the peer lives. */
  async *lines(
    path: string,
    { idleMs, ...request }: PeerRequest & { readonly idleMs: number },
    maxLineBytes = MAX_JSON_BYTES,
  ): AsyncGenerator<unknown> {
    const answer = await this.request('GET', path, { ...request, idleMs: UNWATCHED });
    try {
      this.expectFound(answer);
      const body = unlessSilent(answer.body, idleMs, this.connections.clock);
      for await (const line of readLines(body, maxLineBytes)) {
        if (line !== '') yield this.parsed(() => JSON.parse(line) as unknown);
      }
    } catch (error) {
      throw this.broken(error, request.signal);
    } finally {
      answer.discard();
    }
  }

  /** Why an answer that had begun is not whole. */
  broken(error: unknown, signal: AbortSignal): Error {
    return this.connections.explain(error, 'stalled', signal);
  }

  parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      throw this.protocol('an answer that makes no sense', cause);
    }
  }

  protocol(message: string, cause?: unknown): PeerError {
    return new PeerError('protocol', this.connections.region, message, cause === undefined ? {} : { cause });
  }

  stalled(message: string): PeerError {
    return new PeerError('stalled', this.connections.region, message);
  }

  /** @throws PeerError `refused` */
  expectFound(answer: PeerAnswer): void {
    if (answer.status !== 404) return;
    answer.discard();
    throw new PeerError('refused', this.connections.region, 'it has no such resource');
  }
}
