import { Controller, Delete, HttpCode, Inject, Param, Post, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type JournalCare, UpkeepRunning } from '#libs/registry';
import type { AdminOptions } from './admin-options.js';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { ADMIN_OPTIONS } from './tokens.js';

/** The primary's journal: a snapshot now, and regions that it waits for no longer. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class JournalController {
  constructor(@Inject(ADMIN_OPTIONS) private readonly options: AdminOptions) {}

  /** Answers when the snapshot is whole and what it makes superfluous is gone. */
  @Post('snapshot')
  @HttpCode(200)
  async snapshot(@Res({ passthrough: true }) reply: FastifyReply) {
    try {
      const { position, takenMs, images, bytes, parts } = await this.#care().care(clientSignal(reply));
      return { seq: position.seq, takenMs, images, bytes, parts: parts.length };
    } catch (error) {
      if (error instanceof UpkeepRunning) throw new AdminRefusal(409, error.message, { cause: error });
      throw error;
    }
  }

  /** The region has left for good. If it comes back, it fills itself anew where the journal does not go back far enough. */
  @Delete('regions/:name')
  async forget(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    if (await this.#care().marks.forget(name, clientSignal(reply))) return { forgotten: name };
    throw new AdminRefusal(404, `nothing is remembered of a region ${name}`);
  }

  #care(): JournalCare {
    const care = this.options.journalCare();
    if (care === undefined)
      throw new AdminRefusal(409, 'the journal is at the primary: ask a registry process of its region');
    return care;
  }
}
