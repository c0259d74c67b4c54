import { Gauge, Registry } from 'prom-client';
import { type Group, PHASES } from '../measure/sample.js';
import type { Report } from './report.js';

const CIRCUMSTANCES = ['region', 'source', 'scenario', 'size'] as const;
const QUANTILES = [
  ['0.5', 'p50'],
  ['0.95', 'p95'],
  ['0.99', 'p99'],
] as const;
const MS_PER_SECOND = 1_000;
const BYTES_PER_MEGABYTE = 1_000_000;

/** What may be known before a measurement is over. */
export type Figures = Pick<Report, 'groups' | 'arrivals' | 'verdicts'>;

/** The figures in the text format of Prometheus. Quantiles as gauges: they are of this one measurement. */
export async function renderPrometheus(figures: Figures): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: readonly string[]): Gauge =>
    new Gauge({ name: `meridian_simulation_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const seconds = gauge('pull_seconds', 'Since a pull began.', [...CIRCUMSTANCES, 'phase', 'quantile']);
  const rate = gauge('pull_bytes_per_second', 'Of whole pulls.', [...CIRCUMSTANCES, 'quantile']);
  const pulls = gauge('pulls', 'Pulls that were measured.', [...CIRCUMSTANCES, 'result']);
  for (const group of figures.groups) setGroup(group, seconds, rate, pulls);
  const arrival = gauge('present_seconds', 'From the answer to a push until the image is present.', [
    ...['region', 'size', 'quantile'],
  ]);
  for (const { region, size, afterMs } of figures.arrivals)
    for (const [quantile, key] of QUANTILES) set(arrival, { region, size, quantile }, afterMs[key] / MS_PER_SECOND);
  const saved = gauge('time_saved_ratio', 'Of the time from the primary, by the own replica, warm.', [
    'region',
    'size',
  ]);
  for (const { region, size, fasterPercent } of figures.verdicts) set(saved, { region, size }, fasterPercent / 100);
  return registry.metrics();
}

function setGroup(group: Group, seconds: Gauge, rate: Gauge, pulls: Gauge): void {
  const { region, source, scenario, size } = group;
  const labels = { region, source, scenario, size };
  for (const [quantile, key] of QUANTILES) {
    for (const phase of PHASES) set(seconds, { ...labels, phase, quantile }, group.ms[phase][key] / MS_PER_SECOND);
    set(rate, { ...labels, quantile }, group.megabytesPerSecond[key] * BYTES_PER_MEGABYTE);
  }
  set(pulls, { ...labels, result: 'ok' }, group.pulls);
  set(pulls, { ...labels, result: 'failed' }, group.failures.length);
}

/** What was never seen is left out. */
function set(gauge: Gauge, labels: Readonly<Record<string, string>>, value: number): void {
  if (!Number.isNaN(value)) gauge.set({ ...labels }, value);
}
