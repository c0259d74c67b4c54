import { Controller, Get, Inject, Query, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type Digest, formatReference } from '#libs/oci';
import type { ImageName } from '#libs/peer';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { ImageWait } from './image-wait.js';
import { parseImage, parseRegions, parseSeconds, type Query as Values } from './parse-query.js';
import { RegionPresences } from './region-presences.js';

const SECONDS = { fallback: 30, max: 3_600 };

/** For scripts that must not go on before an image is where it is needed. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class WaitController {
  constructor(
    @Inject(RegionPresences) private readonly presences: RegionPresences,
    @Inject(ImageWait) private readonly wait: ImageWait,
  ) {}

  @Get('wait')
  async until(@Query() query: Values, @Res({ passthrough: true }) reply: FastifyReply) {
    const image = parseImage(query.repository, query.reference);
    const regions = parseRegions(query.regions, this.presences.regions);
    const limitMs = parseSeconds(query.timeoutSeconds, SECONDS) * 1_000;
    const signal = clientSignal(reply);
    const digest = await this.#resolve(image, signal);
    const outcome = await this.wait.until({ ...image, digest }, { regions, limitMs, signal });
    reply.status(outcome.enough ? 200 : 504);
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
