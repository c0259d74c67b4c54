import { type DynamicModule, Module } from '@nestjs/common';
import { Router } from './router.js';
import { RoutingController } from './routing.controller.js';

/** What operators can ask the router. */
@Module({ controllers: [RoutingController] })
export class RouterModule {}

export function routerModule(router: Router): DynamicModule {
  return { module: RouterModule, providers: [{ provide: Router, useFactory: () => router }] };
}
