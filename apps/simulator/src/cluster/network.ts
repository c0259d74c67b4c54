import type { Clock } from '#libs/resilience';
import { type ProcessSwitch, WanControl } from '../wan/control.js';
import { WideAreaNetwork } from '../wan/wide-area-network.js';
import { canSpeakFromClientAddress, clientAddress } from './client-address.js';
import type { ClusterPlan } from './plan.js';

export interface OpenNetwork {
  close(): Promise<void>;
}

/**
 * A line for each ordered pair of regions. It leads to the other region's registry; where the router stands it also
 * leads to the router, and shares the bandwidth.
 */
export async function openNetwork(plan: ClusterPlan, processes: ProcessSwitch, clock: Clock): Promise<OpenNetwork> {
  const network = new WideAreaNetwork(clock);
  const control = new WanControl(network, processes);
  const close = async (): Promise<void> => {
    await network.close();
    await control.close();
  };
  try {
    await addLines(network, plan);
    await control.listen(plan.ports.wan);
  } catch (error) {
    await network.close();
    throw error;
  }
  return { close };
}

async function addLines(network: WideAreaNetwork, plan: ClusterPlan): Promise<void> {
  for (const from of plan.regions) {
    for (const to of plan.regions) {
      if (from === to) continue;
      const link = network.addLink(from.name, to.name, plan.links.between(from.name, to.name));
      await network.addRelay(link, {
        listenPort: plan.ports.relay(from.index, to.index),
        targetPort: to.ports.registry,
      });
      if (to !== plan.primary) continue;
      await network.addRelay(link, {
        listenPort: plan.ports.relayToRouter(from.index),
        targetPort: plan.ports.router,
        ...(canSpeakFromClientAddress() && { sourceAddress: clientAddress(from) }),
      });
    }
  }
}
