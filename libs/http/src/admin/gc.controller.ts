import { Controller, Get, HttpCode, Inject, Post, Query, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type Collections, type CycleReport, UpkeepRunning } from '#libs/registry';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { parseFlag } from './parse-query.js';
import { GC_OPTIONS } from './tokens.js';

export interface GcOptions {
  /** What collects in this process; `undefined` where nothing does, or does not yet. */
  readonly collections: () => Collections | undefined;
  /** The region's last collection that was no dry run. */
  readonly lastReport: (signal: AbortSignal) => Promise<CycleReport | undefined>;
}

/** Collecting what nothing needs: what it did, what it would do, and now. */
@Controller('admin/v1/gc')
@UseFilters(AdminRefusalFilter)
export class GcController {
  constructor(@Inject(GC_OPTIONS) private readonly options: GcOptions) {}

  @Get()
  async report(@Res({ passthrough: true }) reply: FastifyReply) {
    const last = await this.options.lastReport(clientSignal(reply));
    return { here: this.options.collections()?.here ?? null, last: last ?? null };
  }

  @Post()
  @HttpCode(202)
  async begin(@Query('dryRun') dryRun: unknown, @Query('force') force: unknown): Promise<CycleReport> {
    const collections = this.options.collections();
    if (collections === undefined) {
      throw new AdminRefusal(409, 'nothing is collected by this process: a replica collects in its replicator');
    }
    try {
      return await collections.begin({ dryRun: parseFlag('dryRun', dryRun), force: parseFlag('force', force) });
    } catch (error) {
      if (error instanceof UpkeepRunning) throw new AdminRefusal(409, error.message, { cause: error });
      throw error;
    }
  }
}
