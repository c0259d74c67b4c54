import { openExchange, upkeepModule } from '#libs/http';
import { type AppDefinition, requireDiskSpace } from '#libs/platform';
import { RegionWorker } from './region-worker.js';

/** A region's replicator as a process. */
export const replicatorApp: AppDefinition = {
  app: 'replicator',
  create: async (context) => {
    await requireDiskSpace(context.config, context.log);
    const worker = await RegionWorker.create(context);
    context.readiness.add('store', (signal) => worker.checkStore(signal));
    context.onDraining(() => worker.drain());
    context.onShutdown('replicator', () => worker.stop());
    return {
      module: upkeepModule(worker.upkeepOptions()),
      start: async () => {
        const copies = await worker.start();
        await context.servePublic((request, response, exchange) =>
          copies.handle(openExchange(request, response, exchange)),
        );
      },
    };
  },
};
