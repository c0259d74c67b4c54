import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readiness } from './readiness.js';

/** `live`: restart me or not. `ready`: send me requests or not. `deep`: for people. */
@Controller('health')
export class HealthController {
  constructor(@Inject(Readiness) private readonly readiness: Readiness) {}

  /** That it is answered is the answer: a store that is down is no reason to restart the process. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): { readonly live: true } {
    return { live: true };
  }

  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const report = await this.readiness.report();
    await reply
      .code(report.ready ? 200 : 503)
      .header('Cache-Control', 'no-store')
      .send(report);
  }

  @Get('deep')
  @Header('Cache-Control', 'no-store')
  async deep(): Promise<object> {
    const { rss, heapUsed, external } = process.memoryUsage();
    return {
      ...(await this.readiness.report()),
      process: {
        pid: process.pid,
        node: process.version,
        uptimeSeconds: Math.round(process.uptime()),
        memoryBytes: { resident: rss, heap: heapUsed, external },
      },
    };
  }
}
