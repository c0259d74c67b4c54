import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Put,
  Query,
  Res,
  UseFilters,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CopyLimitError, parseCopyLimits } from '#libs/geo';
import { parseDigest, parseRepositoryName } from '#libs/oci';
import type { ControlChange, RegionControl } from '#libs/peer';
import { AdminRefusal, AdminRefusalFilter } from './admin-refusal.js';
import { clientSignal } from './client-signal.js';
import { RegionSteerings } from './region-steerings.js';

/** What operators want of a region's replication: nothing for a while, less, or what failed once more. */
@Controller('admin/v1')
@UseFilters(AdminRefusalFilter)
export class SteeringController {
  constructor(@Inject(RegionSteerings) private readonly steerings: RegionSteerings) {}

  @Post('regions/:name/pause')
  @HttpCode(200)
  pause(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.#change(name, { kind: 'pause' }, reply);
  }

  @Post('regions/:name/resume')
  @HttpCode(200)
  resume(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.#change(name, { kind: 'resume' }, reply);
  }

  @Get('regions/:name/limits')
  async limits(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const signal = clientSignal(reply);
    return say(name, await this.steerings.ask(name, (steering) => steering.control(signal)));
  }

  @Put('regions/:name/limits')
  limit(@Param('name') name: string, @Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.#change(name, { kind: 'limits', limits: limitsOf(body) }, reply);
  }

  @Delete('regions/:name/limits')
  unlimit(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.#change(name, { kind: 'limits', limits: undefined }, reply);
  }

  @Get('failed')
  async failed(@Query('region') region: unknown, @Res({ passthrough: true }) reply: FastifyReply) {
    return { regions: await this.steerings.failed(region, clientSignal(reply)) };
  }

  /** Where nothing of what is named was set aside, nothing happens. */
  @Post('failed/retry')
  @HttpCode(202)
  async retry(
    @Query('region') region: unknown,
    @Query('digest') digest: unknown,
    @Query('repository') repository: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const change: ControlChange = {
      kind: 'retry',
      ...(digest === undefined ? {} : { digest: parseDigest(String(digest)) }),
      ...(repository === undefined ? {} : { repository: parseRepositoryName(String(repository)) }),
    };
    return { regions: await this.steerings.retry(region, change, clientSignal(reply)) };
  }

  async #change(name: string, change: ControlChange, reply: FastifyReply) {
    const signal = clientSignal(reply);
    return say(name, await this.steerings.ask(name, (steering) => steering.change(change, signal)));
  }
}

/** `limits`: `null` where it is as the region's configuration says. */
function say(region: string, { pausedSinceMs, limits }: RegionControl): object {
  return { region, pausedSinceMs: pausedSinceMs ?? null, limits: limits ?? null };
}

function limitsOf(body: unknown) {
  try {
    return parseCopyLimits((body as { readonly limits?: unknown } | null)?.limits);
  } catch (cause) {
    if (cause instanceof CopyLimitError) throw new AdminRefusal(400, cause.message, { cause });
    throw cause;
  }
}
