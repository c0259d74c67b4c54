import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withToolsOnPath } from '../../scripts/lib/tool-cache.mjs';
import { ROOT } from '../support/process.js';

const LIMIT_MS = 110_000;
const REGIONS = ['--regions', 'eastus,westeurope'];

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-measured-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** Rejects with what it said when it ends with another status than 0. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const script = `${ROOT}dist/apps/simulator/src/${program}/main.js`;
  const options = { timeout: LIMIT_MS, env: { ...withToolsOnPath(), NO_COLOR: '1' } };
  return (await promisify(execFile)(process.execPath, [script, ...args], options)).stdout;
}

describe('the measurement', () => {
  it('finds the own replica faster than the primary, and says so in every form', async () => {
    const said = await run('measure', [
      '--quick',
      '--sizes',
      'medium',
      '--repeats',
      '2',
      ...REGIONS,
      '--out',
      directory,
    ]);
    expect(said).toMatch(/✓ pulls in westeurope are \d+ % faster than from the primary\n$/);
    expect((await readdir(directory)).sort()).toEqual([
      ...['phases.svg', 'pulls.svg', 'report.html', 'report.json', 'report.prom', 'scenarios.svg'],
    ]);
    const report = JSON.parse(await readFile(join(directory, 'report.json'), 'utf8'));
    const kinds = report.groups.map((group: Record<string, unknown>) =>
      [group.scenario, group.region, group.source].join(' '),
    );
    expect(kinds).toEqual(
      expect.arrayContaining([
        'warm westeurope replica',
        'cold eastus router',
        'replicating westeurope router',
        'region-down westeurope router',
      ]),
    );
    expect(report.groups.flatMap((group: { failures: string[] }) => group.failures)).toEqual([]);
  });
});

describe('a drill', () => {
  it('tells what held while every Redis forgot everything', async () => {
    const said = await run('drill', ['redis-flush', ...REGIONS]);
    expect(said).toContain('✓ every acknowledged push is in all 2 regions');
    expect(said).toMatch(/✓ what must hold, held: redis-flush\n$/);
  });
});
