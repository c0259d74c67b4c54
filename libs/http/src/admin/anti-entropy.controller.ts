import { Controller, Get, HttpCode, Inject, Post, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { UpkeepRunning } from '#libs/registry';
import type { AntiEntropyReport } from '#libs/replication';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import type { Comparisons } from './open-anti-entropy.js';
import { ANTI_ENTROPY_OPTIONS } from './tokens.js';

export interface AntiEntropyControllerOptions {
  /** What compares in this process; `undefined` where nothing does. */
  readonly comparisons: () => Comparisons | undefined;
  /** The region's last comparison. */
  readonly lastReport: (signal: AbortSignal) => Promise<AntiEntropyReport | undefined>;
}

/** Comparing a replica with the primary: what the last comparison found, and now. */
@Controller('admin/v1/anti-entropy')
@UseFilters(AdminRefusalFilter)
export class AntiEntropyController {
  constructor(@Inject(ANTI_ENTROPY_OPTIONS) private readonly options: AntiEntropyControllerOptions) {}

  @Get()
  async report(@Res({ passthrough: true }) reply: FastifyReply) {
    const last = await this.options.lastReport(clientSignal(reply));
    return { here: this.options.comparisons()?.here ?? null, last: last ?? null };
  }

  @Post()
  @HttpCode(202)
  async begin(): Promise<AntiEntropyReport> {
    const comparisons = this.options.comparisons();
    if (comparisons === undefined) {
      throw new AdminRefusal(409, 'nothing is compared by this process: a replica does that, in its replicator');
    }
    try {
      return await comparisons.begin(undefined);
    } catch (error) {
      if (error instanceof UpkeepRunning) throw new AdminRefusal(409, error.message, { cause: error });
      throw error;
    }
  }
}
