import { Controller, Get, Inject } from '@nestjs/common';
import type { AdminOptions } from './admin-options.js';
import { ADMIN_OPTIONS } from './tokens.js';

/** Which processes are alive. */
@Controller('admin/v1')
export class ProcessesController {
  constructor(@Inject(ADMIN_OPTIONS) private readonly options: AdminOptions) {}

  @Get('processes')
  processes() {
    return { processes: this.options.processes() };
  }
}
