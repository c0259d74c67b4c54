import { Controller, Get, Inject, Query, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { RegionName } from '#libs/geo';
import { type Digest, formatReference } from '#libs/oci';
import type { ImageName } from '#libs/peer';
import type { AdminOptions } from './admin-options.js';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { ImageWait, isKeptAway } from './image-wait.js';
import { parseImage, parseRegions, parseSeconds, parseSequence, type Query as Values } from './parse-query.js';
import { RegionPresences } from './region-presences.js';
import { SequenceWait } from './sequence-wait.js';
import { ADMIN_OPTIONS } from './tokens.js';

const SECONDS = { fallback: 30, max: 3_600 };

interface Limits {
  readonly regions: readonly RegionName[];
  readonly limitMs: number;
  readonly excused: boolean;
  readonly signal: AbortSignal;
}

/** For scripts that must not go on before an image is where it is needed. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class WaitController {
  readonly #sequences: SequenceWait;

  constructor(
    @Inject(RegionPresences) private readonly presences: RegionPresences,
    @Inject(ImageWait) private readonly wait: ImageWait,
    @Inject(ADMIN_OPTIONS) { watch, clock }: AdminOptions,
  ) {
    this.#sequences = new SequenceWait(watch, clock);
  }

  @Get('wait')
  async until(@Query() query: Values, @Res({ passthrough: true }) reply: FastifyReply) {
    const regions = parseRegions(query.regions, this.presences.regions);
    const limitMs = parseSeconds(query.timeoutSeconds, SECONDS) * 1_000;
    const excused = query.regions === undefined;
    const limits = { regions, limitMs, excused, signal: clientSignal(reply) };
    if (query.seq !== undefined) return this.#change(parseSequence(query.seq), limits, reply);
    return this.#image(parseImage(query.repository, query.reference), limits, reply);
  }

  async #change(seq: number, limits: Limits, reply: FastifyReply) {
    const { enough, ...outcome } = await this.#sequences.until(seq, limits);
    reply.status(enough ? 200 : 504);
    return { seq, ...outcome };
  }

  async #image(image: ImageName, limits: Limits, reply: FastifyReply) {
    const { signal } = limits;
    const digest = await this.#resolve(image, signal);
    const outcome = await this.wait.until({ ...image, digest }, limits);
    reply.status(outcome.enough ? 200 : outcome.regions.some(isKeptAway) ? 409 : 504);
    return {
      repository: image.repository,
      reference: formatReference(image.reference),
      digest,
      regions: outcome.regions,
      waitedMs: outcome.waitedMs,
    };
  }

  /** Once: whatever is pushed under the tag while somebody waits is another image. */
  async #resolve(image: ImageName, signal: AbortSignal): Promise<Digest> {
    const { state, digest } = await this.presences.here(image, signal);
    if (state !== 'unknown' && digest !== undefined) return digest;
    throw new AdminRefusal(
      404,
      `${image.repository} has no ${formatReference(image.reference)} as far as is known here`,
    );
  }
}
