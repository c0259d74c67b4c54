import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import {
  CLIENT_REGION_HEADER,
  type ClientRegions,
  MIN_SEQUENCE_HEADER,
  parseMinSequence,
  type RegionName,
  type RegionSite,
  SEQUENCE_HEADER,
} from '#libs/geo';
import { announcesBody } from '#libs/http';
import { MAX_MANIFEST_BYTES, RegistryError } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import { type AnonymousAccess, requireAccess } from './access.js';
import { sendError, sendJson, sendRedirect, unavailable } from './answers.js';
import { HOP_HEADER } from './forwarded-headers.js';
import { type GrantedTargets, publicOrigin } from './granted-target.js';
import { parseRoute, type Route } from './parse-route.js';
import type { RegionKnowledge } from './region-knowledge.js';
import { countDecision, type RouterMetrics } from './router-metrics.js';
import { type Upstream, UpstreamError } from './upstream.js';

/**
 * How long a request waits for a primary that was lost: a process that is restarted, or a stream that broke, is back by
 * then, and a client that waits is better off than one that gives up.
 */
const PATIENCE_MS = 3_000;

/** A little more than a manifest may have: the primary is the one that says no, in its own words. */
const MAX_WRITE_BYTES = MAX_MANIFEST_BYTES + 1_024;

export interface RouterParts {
  readonly mode: 'redirect' | 'proxy';
  /** Clients, by the beginning of their `User-Agent`, whose uploads pass through here whatever the mode. */
  readonly proxyUploadsFor: readonly string[];
  readonly anonymousAccess: AnonymousAccess;
  readonly knowledge: RegionKnowledge;
  readonly clients: ClientRegions;
  readonly targets: GrantedTargets;
  readonly upstream: Upstream;
  readonly metrics: RouterMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

type RepositoryRoute = Extract<Route, { readonly kind: 'repository' }>;

/** One request and its answer, and when its client has gone. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/** An arrival that is on its way: what it asked for, and where it came from. */
interface Passage extends Arrival {
  /** Path and query, as they came. */
  readonly target: string;
  readonly client: RegionName;
}

/** The one global name: sends each read to a region, each write through to the primary, each upload to the primary. */
export class RouterHandler {
  constructor(private readonly parts: RouterParts) {}

  /** Answers, always. */
  async handle(arrival: Arrival): Promise<void> {
    const { request } = arrival;
    const passage: Passage = { ...arrival, target: request.url ?? '', client: this.#clientOf(request) };
    try {
      if (request.headers[HOP_HEADER] !== undefined)
        throw new RegistryError('UNAVAILABLE', undefined, { status: 502, message: 'the request came round in a loop' });
      await this.#route(passage, parseRoute(request.method ?? '', passage.target));
    } catch (error) {
      await this.#refuse(passage, error);
    }
  }

  #route(passage: Passage, route: Route): Promise<void> {
    const access = route.kind === 'repository' ? route.access : 'pull';
    requireAccess(passage.request, access, this.parts.anonymousAccess);
    if (route.kind === 'base') return this.#base(passage);
    if (route.kind === 'catalog') return this.#catalog(passage);
    if (route.access === 'pull') return this.#read(passage, route);
    return route.resource.kind === 'upload' ? this.#upload(passage, route) : this.#write(passage, route);
  }

  #base({ response }: Passage): Promise<void> {
    return sendJson(response, { status: 200, body: '{}' }, this.parts.clock);
  }

  async #catalog(passage: Passage): Promise<void> {
    await this.#forward(passage, await this.#primaryFor(passage), passage.target);
  }

  async #read(passage: Passage, route: RepositoryRoute): Promise<void> {
    if (this.#placeOfRead(passage, route).site === undefined) await this.#waitForPrimary(passage);
    const { site, reason } = this.#placeOfRead(passage, route);
    countDecision(this.parts.metrics, passage.client, site?.name, reason);
    if (site === undefined) throw unavailable();
    if (this.parts.mode === 'redirect') return this.#redirect(passage, site, route);
    try {
      await this.#forward(passage, site, this.#granted(passage, site, route));
    } catch (error) {
      // The region is avoided from here on: so this ends, at the latest with nobody left.
      if (!(error instanceof UpstreamError) || error.reached) throw error;
      this.parts.knowledge.failed(site.name);
      return this.#read(passage, route);
    }
  }

  /**
   * Who pushes asks by HEAD for what need not be sent. The primary's answer holds there for the grace time of a
   * collection; a replica could only promise for itself.
   */
  #placeOfRead({ request, client }: Passage, { repository, resource }: RepositoryRoute) {
    const { knowledge } = this.parts;
    const { primary } = knowledge;
    const minSeq = parseMinSequence(textOf(request.headers[MIN_SEQUENCE_HEADER]));
    const ofPush = request.method === 'HEAD' && resource.kind === 'blob';
    if (ofPush && knowledge.health(primary.name) === 'healthy')
      return { site: primary, reason: 'primary-only' as const };
    const byTag = resource.kind === 'manifest' && resource.reference.kind === 'tag';
    return knowledge.decide(client, repository, minSeq, byTag ? resource.reference.tag : undefined);
  }

  /**
   * The bytes of blobs pass through here only from clients that cannot follow, or will not, or that send them here already:
   * a redirect would make those send them twice, and a client was seen to send other bytes the second time.
   */
  async #upload(passage: Passage, route: RepositoryRoute): Promise<void> {
    const { mode, proxyUploadsFor } = this.parts;
    const { request } = passage;
    const primary = await this.#primaryFor(passage);
    const follows = !announcesBody(request) && !isNamed(proxyUploadsFor, request.headers['user-agent']);
    if (mode === 'redirect' && follows) return this.#redirect(passage, primary, route);
    await this.#forward(passage, primary, this.#granted(passage, primary, route), Number.POSITIVE_INFINITY);
  }

  /** Passed on even to a primary that seems unhealthy: it is the one that can tell. */
  async #write(passage: Passage, route: RepositoryRoute): Promise<void> {
    const { knowledge, metrics, upstream } = this.parts;
    const { signal } = passage;
    const site = knowledge.primary;
    await this.#waitForPrimary(passage);
    countDecision(metrics, passage.client, site.name, 'write');
    const target = this.#granted(passage, site, route);
    const answer = await upstream.send({ ...passage, site, target, maxBodyBytes: MAX_WRITE_BYTES }, signal);
    const seq = Number(answer.headers[SEQUENCE_HEADER.toLowerCase()]);
    // Before the client hears of it, so that whoever pulls after it sees it (I10).
    if (Number.isSafeInteger(seq) && seq > 0) knowledge.learn(seq, route.repository);
    await upstream.relay(answer, site, passage.response, signal);
  }

  async #forward(passage: Passage, site: RegionSite, target: string, maxBodyBytes = MAX_WRITE_BYTES): Promise<void> {
    const { response, signal } = passage;
    const { upstream } = this.parts;
    const answer = await upstream.send({ ...passage, site, target, maxBodyBytes }, signal);
    await upstream.relay(answer, site, response, signal);
  }

  async #refuse({ response, signal }: Passage, error: unknown): Promise<void> {
    const { knowledge, log, clock } = this.parts;
    const reached = !(error instanceof UpstreamError) || error.reached;
    // A region that cannot be reached is avoided from now on, not only when its stream has been missed.
    if (!reached) knowledge.failed(error.site.name);
    if (signal.aborted) return;
    await sendError(response, error instanceof UpstreamError ? unavailable(error) : error, log, clock);
  }

  #redirect(passage: Passage, site: RegionSite, route: RepositoryRoute): Promise<void> {
    const location = `${publicOrigin(site, passage.client)}${this.#granted(passage, site, route)}`;
    return sendRedirect(passage.response, location, site.name, this.parts.clock);
  }

  #granted({ target }: Passage, { name: region }: RegionSite, route: RepositoryRoute): string {
    const { access, repository, resource } = route;
    return this.parts.targets.target(target, { access, repository, resource, region });
  }

  async #primaryFor(passage: Passage): Promise<RegionSite> {
    const { client } = passage;
    const { knowledge, metrics } = this.parts;
    const { primary } = knowledge;
    await this.#waitForPrimary(passage);
    const usable = knowledge.health(primary.name) !== 'unhealthy';
    countDecision(metrics, client, usable ? primary.name : undefined, usable ? 'primary-only' : 'none');
    if (!usable) throw unavailable();
    return primary;
  }

  #waitForPrimary({ signal }: Passage): Promise<void> {
    const { knowledge, clock } = this.parts;
    return knowledge.untilUsable(knowledge.primary.name, PATIENCE_MS, clock, signal);
  }

  #clientOf({ socket, headers }: IncomingMessage): RegionName {
    return this.parts.clients.regionOf({
      remoteAddress: socket.remoteAddress,
      forwardedFor: textOf(headers['x-forwarded-for']),
      regionHeader: textOf(headers[CLIENT_REGION_HEADER]),
    });
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}

function isNamed(beginnings: readonly string[], userAgent = ''): boolean {
  const name = userAgent.toLowerCase();
  return beginnings.some((beginning) => name.startsWith(beginning.toLowerCase()));
}
