import type { Counter, Gauge } from 'prom-client';
import type { RegionName } from '#libs/geo';

/** The rows of the catalogue of metrics that are the router's. */
export interface RouterMetrics {
  readonly routeDecisions: Counter<'from' | 'to' | 'reason'>;
  readonly routerRegionHealthy: Gauge<'region'>;
}

/** Regions are as many as the topology has, reasons are a closed set: labels stay bounded. */
export function countDecision(metrics: RouterMetrics, from: RegionName, to: RegionName | undefined, reason: string) {
  metrics.routeDecisions.inc({ from, to: to ?? 'none', reason });
}
