import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type ControlBusOptions, createControlBus } from './create-control-bus.js';
import type { ManagedControlBus } from './managed-control-bus.js';

/** The token of the {@link ControlBus} that {@link ControlModule} provides. */
export const CONTROL_BUS = Symbol('ControlBus');

/** Gives a Nest app the bus of its region, connected for as long as the app lives. */
@Module({})
export class ControlModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(CONTROL_BUS) private readonly bus: ManagedControlBus) {}

  static forRoot(options: ControlBusOptions): DynamicModule {
    return {
      module: ControlModule,
      providers: [{ provide: CONTROL_BUS, useFactory: () => createControlBus(options) }],
      exports: [CONTROL_BUS],
    };
  }

  onApplicationBootstrap(): void {
    this.bus.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.bus.close();
  }
}
