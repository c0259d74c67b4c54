import { type DynamicModule, Module } from '@nestjs/common';
import type { AdminOptions } from './admin-options.js';
import { ImageWait } from './image-wait.js';
import { ImagesController } from './images.controller.js';
import { ProcessesController } from './processes.controller.js';
import { RegionPresences } from './region-presences.js';
import { RegionReports } from './region-reports.js';
import { StatusController } from './status.controller.js';
import { ADMIN_OPTIONS } from './tokens.js';
import { WaitController } from './wait.controller.js';

export type { AdminOptions } from './admin-options.js';

@Module({})
class AdminModule {}

/** What operators ask a region: how far all regions are, and where an image is. */
export function adminModule(options: AdminOptions): DynamicModule {
  const presences = new RegionPresences(options);
  return {
    module: AdminModule,
    controllers: [StatusController, ImagesController, WaitController, ProcessesController],
    providers: [
      { provide: ADMIN_OPTIONS, useValue: options },
      { provide: RegionReports, useFactory: () => new RegionReports(options) },
      { provide: RegionPresences, useFactory: () => presences },
      { provide: ImageWait, useFactory: () => new ImageWait(presences, options.clock) },
    ],
  };
}
