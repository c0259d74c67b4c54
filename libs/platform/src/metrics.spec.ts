import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { createMetrics } from './metrics.js';
import { METRIC_CATALOGUE, type MetricRow } from './metrics-catalogue.js';

const ROWS: readonly MetricRow[] = Object.values(METRIC_CATALOGUE);
/** `| metric | kind | labels | meaning |` */
const DOCUMENTED = /^\| `(?<name>meridian_\w+)` \| (?<kind>\w+) \| (?<labels>[^|]*) \| (?<help>.*) \|$/gm;

function documentedRows() {
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  return [...page.matchAll(DOCUMENTED)].map(({ groups = {} }) => ({
    name: groups.name,
    kind: groups.kind,
    labels: [...(groups.labels ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label),
    help: groups.help,
  }));
}

describe('the metrics', () => {
  it('are those of the documentation, and the other way round', () => {
    expect(documentedRows()).toEqual(ROWS.map(({ name, kind, labels, help }) => ({ name, kind, labels, help })));
  });

  it.each(ROWS.map((row) => [row.name, row] as const))('%s is named by the rules', (name, { kind, labels }) => {
    expect(name).toMatch(/^meridian_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    for (const label of labels) expect(['repository', 'digest', 'path', 'tag', 'url']).not.toContain(label);
  });

  it('say which process measured and which region is meant', async () => {
    const metrics = createMetrics({ app: 'router', region: 'north' });
    metrics.replicationWatermark.set({ region: 'south' }, 7);
    expect(await metrics.registry.getSingleMetricAsString('meridian_replication_watermark_sequence')).toContain(
      '{region="south",app="router",process_region="north"} 7',
    );
  });

  it('of two processes in one are apart', async () => {
    const [one, other] = [createMetrics({ app: 'registry' }), createMetrics({ app: 'replicator' })];
    one.journalHead.set(3);
    expect(await other.registry.getSingleMetricAsString('meridian_journal_head_sequence')).not.toContain(' 3');
  });

  it('include those of the process', async () => {
    expect(await createMetrics({ app: 'registry' }).registry.metrics()).toContain('process_resident_memory_bytes');
  });
});
