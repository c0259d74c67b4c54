import { type DynamicModule, Module } from '@nestjs/common';
import type { AdminOptions } from './admin-options.js';
import { AntiEntropyController } from './anti-entropy.controller.js';
import { EventsController } from './events/events.controller.js';
import { GcController } from './gc.controller.js';
import { ImageWait } from './image-wait.js';
import { ImagesController } from './images.controller.js';
import { JournalController } from './journal.controller.js';
import { PolicyController } from './policy.controller.js';
import { ProcessesController } from './processes.controller.js';
import { ProofController } from './proof.controller.js';
import { RegionPresences } from './region-presences.js';
import { RegionReports } from './region-reports.js';
import { RegionSteerings } from './region-steerings.js';
import { ScrubController } from './scrub.controller.js';
import { StatusController } from './status.controller.js';
import { SteeringController } from './steering.controller.js';
import {
  ADMIN_OPTIONS,
  ANTI_ENTROPY_OPTIONS,
  GC_OPTIONS,
  POLICY_OPTIONS,
  PROOF_OPTIONS,
  SCRUB_OPTIONS,
} from './tokens.js';
import { VerifyController } from './verify.controller.js';
import { WaitController } from './wait.controller.js';

export type { AdminOptions } from './admin-options.js';
export type { GcOptions } from './gc.controller.js';
export type { SteeringOptions } from './region-steerings.js';
export type { ScrubOptions } from './scrub.controller.js';

@Module({})
class AdminModule {}

@Module({})
class UpkeepModule {}

export type UpkeepOptions = Pick<AdminOptions, 'gc' | 'scrub' | 'antiEntropy'>;

/** What operators ask a replica's replicator: its region's collections, scrubs and comparisons run in it. */
export function upkeepModule({ gc, scrub, antiEntropy }: UpkeepOptions): DynamicModule {
  const providers = [
    { provide: GC_OPTIONS, useValue: gc },
    { provide: SCRUB_OPTIONS, useValue: scrub },
    { provide: ANTI_ENTROPY_OPTIONS, useValue: antiEntropy },
  ];
  return { module: UpkeepModule, controllers: [GcController, ScrubController, AntiEntropyController], providers };
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
      ScrubController,
      AntiEntropyController,
      VerifyController,
      ProofController,
      JournalController,
      SteeringController,
    ],
    providers: [
      { provide: ADMIN_OPTIONS, useValue: options },
      { provide: GC_OPTIONS, useValue: options.gc },
      { provide: POLICY_OPTIONS, useValue: options.policy },
      { provide: SCRUB_OPTIONS, useValue: options.scrub },
      { provide: PROOF_OPTIONS, useValue: options.proof },
      { provide: ANTI_ENTROPY_OPTIONS, useValue: options.antiEntropy },
      { provide: RegionReports, useFactory: () => new RegionReports(options) },
      { provide: RegionSteerings, useFactory: () => new RegionSteerings(options.steering) },
      { provide: RegionPresences, useFactory: () => presences },
      { provide: ImageWait, useFactory: () => wait },
    ],
  };
}
