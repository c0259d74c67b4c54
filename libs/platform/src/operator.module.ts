import { type DynamicModule, Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsPage } from './metrics-page.js';
import { Readiness } from './readiness.js';

@Module({})
class OperatorModule {}

/** What operators and their machines ask a process. On its own port, never on the one that clients reach. */
export function operatorModule(parts: {
  readonly readiness: Readiness;
  readonly metricsPage: MetricsPage;
}): DynamicModule {
  return {
    module: OperatorModule,
    controllers: [HealthController, MetricsController],
    providers: [
      { provide: Readiness, useFactory: () => parts.readiness },
      { provide: MetricsPage, useFactory: () => parts.metricsPage },
    ],
  };
}
