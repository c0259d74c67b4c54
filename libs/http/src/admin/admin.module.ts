import { type DynamicModule, Module } from '@nestjs/common';
import type { AdminOptions } from './admin-options.js';
import { EventsController } from './events/events.controller.js';
import { GcController, type GcOptions } from './gc.controller.js';
import { ImageWait } from './image-wait.js';
import { ImagesController } from './images.controller.js';
import { PolicyController } from './policy.controller.js';
import { ProcessesController } from './processes.controller.js';
import { RegionPresences } from './region-presences.js';
import { RegionReports } from './region-reports.js';
import { StatusController } from './status.controller.js';
import { ADMIN_OPTIONS, GC_OPTIONS, POLICY_OPTIONS } from './tokens.js';
import { WaitController } from './wait.controller.js';

export type { AdminOptions } from './admin-options.js';
export type { GcOptions } from './gc.controller.js';

@Module({})
class AdminModule {}

@Module({})
class GcModule {}

/** What operators ask a replica's replicator: its region's collections run in it. */
export function gcModule(options: GcOptions): DynamicModule {
  return { module: GcModule, controllers: [GcController], providers: [{ provide: GC_OPTIONS, useValue: options }] };
}

/** What operators ask a region: how far all regions are, and where an image is. */
export function adminModule(options: AdminOptions): DynamicModule {
  const { presences, wait } = options;
  return {
    module: AdminModule,
    controllers: [
      StatusController,
      ImagesController,
      WaitController,
      EventsController,
      ProcessesController,
      GcController,
      PolicyController,
    ],
    providers: [
      { provide: ADMIN_OPTIONS, useValue: options },
      { provide: GC_OPTIONS, useValue: options.gc },
      { provide: POLICY_OPTIONS, useValue: options.policy },
      { provide: RegionReports, useFactory: () => new RegionReports(options) },
      { provide: RegionPresences, useFactory: () => presences },
      { provide: ImageWait, useFactory: () => wait },
    ],
  };
}
