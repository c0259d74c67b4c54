import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { METRIC_CATALOGUE, type MetricRow } from './metrics-catalogue.js';

/** Delays of the event loop are looked for so often. Every 10 ms, the default, takes 0.3 % of a core of an idle process, every 100 ms a tenth of that. */
const LAG_PRECISION_MS = 1_000;

type Catalogue = typeof METRIC_CATALOGUE;
type MetricOf<Row extends MetricRow> = Row['kind'] extends 'counter'
  ? Counter<Row['labels'][number]>
  : Row['kind'] extends 'gauge'
    ? Gauge<Row['labels'][number]>
    : Histogram<Row['labels'][number]>;

/** The catalogue's metrics, by their names in code, and where they are collected. */
export type Metrics = { readonly [Name in keyof Catalogue]: MetricOf<Catalogue[Name]> } & {
  readonly registry: Registry;
};

export interface MetricsOptions {
  readonly app: string;
  readonly region?: string | undefined;
}

/**
 * The metrics of one process, in a registry of its own. Every sample says which app measured it and, in
 * `process_region`, where: the label `region` is the region that the number is about.
 */
export function createMetrics({ app, region }: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels(region === undefined ? { app } : { app, process_region: region });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_PRECISION_MS });
  const entries = Object.entries(METRIC_CATALOGUE).map(([key, row]) => [key, createMetric(row, registry)]);
  return { ...Object.fromEntries(entries), registry } as Metrics;
}

function createMetric({ kind, name, help, labels, buckets }: MetricRow, registry: Registry) {
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  switch (kind) {
    case 'counter':
      return new Counter(common);
    case 'gauge':
      return new Gauge(common);
    case 'histogram':
      return new Histogram({ ...common, ...(buckets ? { buckets: [...buckets] } : {}) });
  }
}
