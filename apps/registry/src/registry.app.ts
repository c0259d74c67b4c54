import { adminModule, openExchange } from '#libs/http';
import { type AppDefinition, requireDiskSpace } from '#libs/platform';
import { RegistryNode } from './registry-node.js';

/** A region's data plane as a process. */
export const registryApp: AppDefinition = {
  app: 'registry',
  create: async (context) => {
    await requireDiskSpace(context.config, context.log);
    const node = await RegistryNode.create(context);
    context.readiness.add('store', (signal) => node.checkStore(signal));
    context.onShutdown('region', () => node.stop());
    return {
      module: adminModule(node.adminOptions()),
      start: async () => {
        const edge = await node.start();
        await context.servePublic((request, response, exchange) =>
          edge.handle(openExchange(request, response, exchange)),
        );
      },
    };
  },
};
