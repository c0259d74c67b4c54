import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Agent, request as send } from 'undici';
import {
  GRANT_PARAMETER,
  issueRegionToken,
  MAX_CONCERN_MS,
  MIN_SEQUENCE_HEADER,
  REGION_TOKEN_SCHEME,
  type RegionName,
  type RegionSite,
  WRITE_CONCERN_HEADER,
} from '#libs/geo';
import { parseDistributionPath, RegistryError } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import type { Principal } from '../access.js';
import type { Exchange } from '../exchange.js';
import { announcesBody } from '../exchange.js';
import { IncomingBody } from '../incoming-body.js';
import type { Locations } from '../locations.js';
import { mountSourceOf } from './mount-source.js';
import { SOURCE_HEADER } from './pull-manifest.js';

/** On a request that another process of the cluster passed on: it goes no further (T3). */
export const HOP_HEADER = 'meridian-hop';

const CONNECT_TIMEOUT_MS = 3_000;

/** A commit of a large blob waits for the store. */
const ANSWER_TIMEOUT_MS = 120_000;

/** A read that takes longer could as well have been answered by this region meanwhile. */
const READ_TIMEOUT_MS = 10_000;

const MAX_CONNECTIONS = 256;

/** What of a client's request matters to the registry that will do it. */
const REQUEST_HEADERS = [
  'content-type',
  'content-length',
  'content-range',
  'content-encoding',
  'if-match',
  'if-none-match',
  MIN_SEQUENCE_HEADER,
  WRITE_CONCERN_HEADER,
];

/** What of the answer belongs to that hop alone. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'date',
  'meridian-region',
  'x-request-id',
]);

export interface WriteForwarderOptions {
  readonly region: RegionName;
  readonly primary: RegionSite;
  readonly regionTokenKey: Uint8Array;
  readonly locations: Locations;
  readonly clock: Clock;
}

type Answer = Awaited<ReturnType<typeof send>>;

/**
 * Passes changes on to the primary, and its answers back: a client may push to whatever region it reaches. Likewise reads
 * of a state that has not come here yet.
 */
export class WriteForwarder {
  readonly #agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, connections: MAX_CONNECTIONS });

  constructor(private readonly options: WriteForwarderOptions) {}

  /** `principal` was let in here; the primary believes what this region's token says, which is more than it may. */
  async forward(exchange: Exchange, principal: Principal): Promise<void> {
    const { request } = exchange;
    if (request.headers[HOP_HEADER] !== undefined) throw passedOnTwice();
    const patienceMs = request.headers[WRITE_CONCERN_HEADER] === undefined ? 0 : MAX_CONCERN_MS;
    await this.#relay(exchange, await this.#send(exchange, principal, ANSWER_TIMEOUT_MS + patienceMs));
  }

  /** @throws RegistryError `UNAVAILABLE` when the primary does not answer; nothing was answered then */
  async read(exchange: Exchange, principal: Principal): Promise<void> {
    // A router may have passed it on to this region; what another region passed on goes no further.
    if (principal.kind === 'peer') throw passedOnTwice();
    await this.#relay(exchange, await this.#send(exchange, principal, READ_TIMEOUT_MS));
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #relay(exchange: Exchange, answer: Answer): Promise<void> {
    const { response, signal } = exchange;
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value === undefined || HOP_BY_HOP.has(name)) continue;
      headers[name] = this.#rewritten(exchange, name, value);
    }
    response.writeHead(answer.statusCode, headers);
    await pipeline(answer.body, response, { signal });
  }

  #rewritten(exchange: Exchange, name: string, value: string | string[]): string | string[] {
    const { locations } = this.options;
    if (name === 'location') return locations.rewrite(exchange, String(value));
    if (name === SOURCE_HEADER.toLowerCase()) return 'peer';
    const route = name === 'link' ? parseDistributionPath(exchange.path, 'GET') : undefined;
    return route?.kind === 'tags' ? locations.nextTags(exchange, route.repository, String(value)) : value;
  }

  async #send(exchange: Exchange, principal: Principal, headersTimeout: number): Promise<Answer> {
    const { request, signal } = exchange;
    try {
      return await send(this.#target(exchange, principal), {
        method: request.method ?? 'GET',
        headers: this.#headers(exchange),
        body: announcesBody(request) ? new IncomingBody(request) : null,
        dispatcher: this.#agent,
        headersTimeout,
        signal,
      } as Parameters<typeof send>[1]);
    } catch (cause) {
      signal.throwIfAborted();
      throw new RegistryError('UNAVAILABLE', undefined, {
        cause,
        message: `region ${this.options.primary.name} is the one to ask, and does not answer`,
        headers: { 'Retry-After': '5' },
      });
    }
  }

  #target({ path, query }: Exchange, principal: Principal): string {
    const passed = new URLSearchParams(query);
    passed.delete(GRANT_PARAMETER);
    if (mountSourceOf(passed, principal) === undefined) passed.delete('from');
    const search = passed.size > 0 ? `?${passed}` : '';
    return `${this.options.primary.peerUrl}${path}${search}`;
  }

  #headers({ request, requestId }: Exchange): Record<string, string> {
    const { region, regionTokenKey, clock } = this.options;
    const token = issueRegionToken(regionTokenKey, { kind: 'region', name: region }, clock);
    return {
      ...pick(request, REQUEST_HEADERS),
      authorization: `${REGION_TOKEN_SCHEME} ${token}`,
      [HOP_HEADER]: '1',
      'x-request-id': requestId,
    };
  }
}

function pick(request: IncomingMessage, names: readonly string[]): Record<string, string> {
  const values = names.flatMap((name) => {
    const value = request.headers[name];
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return Object.fromEntries(values);
}

function passedOnTwice(): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, {
    status: 502,
    message: 'a change was passed on to a region that does not make changes',
  });
}
