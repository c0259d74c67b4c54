import { Controller, Get, HttpCode, Inject, Post, Query, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type ScrubReport, type Scrubs, UpkeepRunning } from '#libs/registry';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { parseRate } from './parse-query.js';
import { SCRUB_OPTIONS } from './tokens.js';

export interface ScrubOptions {
  /** What scrubs in this process; `undefined` where nothing does, or does not yet. */
  readonly scrubs: () => Scrubs | undefined;
  /** The region's scrub, as it was stored last. */
  readonly lastReport: (signal: AbortSignal) => Promise<ScrubReport | undefined>;
}

/** Reading all blobs of the region again: how far it is, what it found, and now. */
@Controller('admin/v1/scrub')
@UseFilters(AdminRefusalFilter)
export class ScrubController {
  constructor(@Inject(SCRUB_OPTIONS) private readonly options: ScrubOptions) {}

  @Get()
  async report(@Res({ passthrough: true }) reply: FastifyReply) {
    const last = await this.options.lastReport(clientSignal(reply));
    return { here: this.options.scrubs()?.here ?? null, last: last ?? null };
  }

  @Post()
  @HttpCode(202)
  async begin(@Query('rateBytesPerSecond') rate: unknown): Promise<ScrubReport> {
    const rateBytesPerSecond = parseRate('rateBytesPerSecond', rate);
    const scrubs = this.options.scrubs();
    if (scrubs === undefined) {
      throw new AdminRefusal(409, 'nothing is scrubbed by this process: a replica scrubs in its replicator');
    }
    try {
      return await scrubs.begin(rateBytesPerSecond === undefined ? {} : { rateBytesPerSecond });
    } catch (error) {
      if (error instanceof UpkeepRunning) throw new AdminRefusal(409, error.message, { cause: error });
      throw error;
    }
  }
}
