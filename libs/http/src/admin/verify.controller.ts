import { Body, Controller, Get, HttpStatus, Inject, Post, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type Glob, parseGlob, type RegionName } from '#libs/geo';
import type { Verifications, VerifyReport, VerifyRequest } from '#libs/replication';
import { DeadlineExceeded, withDeadline } from '#libs/resilience';
import type { AdminOptions } from './admin-options.js';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { parseRegions } from './parse-query.js';
import { ADMIN_OPTIONS } from './tokens.js';

/** How long an answer is held for a verification to end. */
const DEFAULT_WAIT_SECONDS = 30;
const MAX_WAIT_SECONDS = 600;

/** Whether regions hold the same: what the last verification said, and now. */
@Controller('admin/v1/verify')
@UseFilters(AdminRefusalFilter)
export class VerifyController {
  constructor(@Inject(ADMIN_OPTIONS) private readonly options: AdminOptions) {}

  @Get()
  report() {
    return this.#verifications().here ?? null;
  }

  /** 200 with all verdicts; 202 with what is known by then if it takes longer than is waited for. */
  @Post()
  async verify(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<VerifyReport> {
    const { request, waitMs } = this.#parse(body);
    const verifications = this.#verifications();
    const signal = clientSignal(reply);
    const report = await verifications.begin(request, signal);
    if (report === undefined) throw new AdminRefusal(409, 'a verification is running already: GET says how far it is');
    try {
      await withDeadline(signal, waitMs, this.options.clock, () => verifications.ended());
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
    }
    reply.status(report.outcome === 'running' ? HttpStatus.ACCEPTED : HttpStatus.OK);
    return report;
  }

  #verifications(): Verifications {
    const verifications = this.options.verifications();
    if (verifications === undefined) {
      throw new AdminRefusal(409, 'regions are held beside the primary: ask a registry process of its region');
    }
    return verifications;
  }

  #parse(body: unknown): { readonly request: VerifyRequest; readonly waitMs: number } {
    const { region, peers } = this.options;
    const fields = fieldsOf(body);
    const known: readonly RegionName[] = [region, ...peers.map((peer) => peer.region)];
    const { repositories, regions, rehash = false, waitSeconds = DEFAULT_WAIT_SECONDS } = fields;
    if (typeof rehash !== 'boolean') throw new AdminRefusal(400, 'rehash must be true or false');
    if (!Number.isInteger(waitSeconds) || Number(waitSeconds) < 0 || Number(waitSeconds) > MAX_WAIT_SECONDS) {
      throw new AdminRefusal(400, `waitSeconds must be a whole number from 0 to ${MAX_WAIT_SECONDS}`);
    }
    const names = Array.isArray(regions) ? regions.join(',') : regions;
    const pattern = repositories === undefined ? {} : { repositories: globOf(repositories) };
    return {
      request: { ...pattern, regions: parseRegions(names, known), rehash },
      waitMs: Number(waitSeconds) * 1_000,
    };
  }
}

const FIELDS = ['repositories', 'regions', 'rehash', 'waitSeconds'];

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) throw new AdminRefusal(400, 'the body must be a JSON object');
  const unknown = Object.keys(body).filter((name) => !FIELDS.includes(name));
  if (unknown.length === 0) return body as Readonly<Record<string, unknown>>;
  throw new AdminRefusal(400, `there is no ${unknown.join(', ')}: the fields are ${FIELDS.join(', ')}`);
}

function globOf(value: unknown): Glob {
  try {
    return parseGlob(String(value));
  } catch (cause) {
    throw new AdminRefusal(400, cause instanceof Error ? cause.message : 'not a pattern', { cause });
  }
}
