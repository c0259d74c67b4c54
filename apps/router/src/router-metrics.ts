import { Counter, Gauge, type Registry } from 'prom-client';
import type { RegionName } from '#libs/geo';
import type { RegionKnowledge } from './region-knowledge.js';

/** Regions are as many as the topology has, reasons are a closed set: labels stay bounded. */
export class RouterMetrics {
  readonly #decisions: Counter<'from' | 'to' | 'reason'>;

  constructor(registry: Registry, knowledge: RegionKnowledge) {
    this.#decisions = new Counter({
      name: 'meridian_route_decisions_total',
      help: 'Requests by the region of the client, the region that they were sent to, and why.',
      labelNames: ['from', 'to', 'reason'],
      registers: [registry],
    });
    new Gauge({
      name: 'meridian_router_region_healthy',
      help: 'Whether the router would send requests to a region (1) or avoids it (0).',
      labelNames: ['region'],
      registers: [registry],
      collect() {
        for (const { region, health } of knowledge.regions) this.set({ region }, health === 'healthy' ? 1 : 0);
      },
    });
  }

  decided(from: RegionName, to: RegionName | undefined, reason: string): void {
    this.#decisions.inc({ from, to: to ?? 'none', reason });
  }
}
