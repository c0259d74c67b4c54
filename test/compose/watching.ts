import { expect } from '@jest/globals';
import { waitFor } from '../support/wait-for.js';
import type { ComposeWorld } from './compose-world.js';
import { docker } from './docker.js';
import { queriesWithoutSeries } from './prometheus.js';
import type { Steps } from './steps.js';

/** All containers at once, after they were used; docs/deployment.md says how much to expect. */
const MOST_MEMORY_MIB = 3_072;

export function describeWatching({ project }: ComposeWorld, steps: Steps): void {
  steps.step('every query of the dashboards finds series', 90, async (signal) => {
    let silent: readonly string[] = [];
    // Rates need two samples of what happened.
    const allSpeak = async () => {
      silent = await queriesWithoutSeries(signal);
      return silent.length === 0;
    };
    await waitFor(allSpeak, { what: 'series', withinMs: 40_000, everyMs: 1_000 }).catch(() => undefined);
    expect(silent).toEqual([]);
  });

  steps.step('alert rules fire when they must, and not before', 180, async (signal) => {
    const rules = ['promtool', 'test', 'rules', '/etc/prometheus/rules.test.yml'];
    const { code, output } = await project.exec('prometheus', rules, signal);
    expect([output, code]).toEqual([output, 0]);
  });

  steps.step('it needs no more memory than is said', 60, async (signal) => {
    const names = await project.compose(['ps', '-q'], signal);
    const format = ['--format', '{{.MemUsage}}'];
    const used = await docker(['stats', '--no-stream', ...format, ...names.trim().split('\n')], signal);
    const mebibytes = used.trim().split('\n').map(mebibytesOf);
    const sum = mebibytes.reduce((total, each) => total + each, 0);
    process.stderr.write(`compose: ${mebibytes.length} containers use ${Math.round(sum)} MiB\n`);
    expect(sum).toBeLessThan(MOST_MEMORY_MIB);
  });
}

/** `101.5MiB / 768MiB` */
function mebibytesOf(usage: string): number {
  const [, figure, unit = ''] = /^([\d.]+)([KMG]iB)/.exec(usage) ?? [];
  const factor = { KiB: 1 / 1024, MiB: 1, GiB: 1024 }[unit];
  if (factor === undefined) throw new Error(`no memory: ${usage}`);
  return Number(figure) * factor;
}
