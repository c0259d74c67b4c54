import { type AppDefinition, readClusterSecret } from '#libs/platform';
import { Router } from './router.js';
import { routerModule } from './router.module.js';

/** The router as a process. */
export const routerApp: AppDefinition = {
  app: 'router',
  create: async (context) => {
    const router = new Router(context, readClusterSecret(context));
    context.readiness.add('regions', () => router.checkReady());
    context.onShutdown('regions', () => router.stop());
    return {
      module: routerModule(router),
      start: async () => {
        router.start();
        await context.servePublic((request, response, { requestId, signal }) =>
          router.handler.handle({ request, response, requestId, signal }),
        );
      },
    };
  },
};
