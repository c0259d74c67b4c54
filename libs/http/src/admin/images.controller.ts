import { Controller, Get, Inject, Param, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { formatReference } from '#libs/oci';
import { AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { parseImagePath } from './parse-query.js';
import { RegionPresences } from './region-presences.js';

/** Where an image is. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class ImagesController {
  constructor(@Inject(RegionPresences) private readonly presences: RegionPresences) {}

  @Get('images/*')
  async image(@Param('*') path: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const image = parseImagePath(path);
    const regions = await this.presences.everywhere(image, clientSignal(reply));
    return { repository: image.repository, reference: formatReference(image.reference), regions };
  }
}
