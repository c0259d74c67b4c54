import { Controller, Get, Inject, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { AdminOptions } from './admin-options.js';
import { AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { RegionReports } from './region-reports.js';
import { ADMIN_OPTIONS } from './tokens.js';

/** How far this region is, and all others. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class StatusController {
  constructor(
    @Inject(ADMIN_OPTIONS) private readonly options: AdminOptions,
    @Inject(RegionReports) private readonly reports: RegionReports,
  ) {}

  @Get('status')
  async status(@Res({ passthrough: true }) reply: FastifyReply) {
    const { region, role, status } = this.options;
    const regions = await this.reports.all(clientSignal(reply));
    return { ...status.current(), region, role, regions };
  }
}
