import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { configSchema } from '#libs/platform';
import { DataDirectory } from '../data-directory.js';
import { readLinkTable } from '../wan/link-table.js';
import { writeConfigFiles } from './config-files.js';
import { planCluster } from './plan.js';

const NAMES = ['eastus', 'westeurope', 'southeastasia'].map(parseRegionName);

describe('the configuration of each process', () => {
  let data: DataDirectory;

  beforeAll(async () => {
    data = new DataDirectory(await mkdtemp(join(tmpdir(), 'meridian-config-')));
    await data.createParts(NAMES);
    const plan = planCluster(NAMES, 5500, await readLinkTable('apps/simulator/wan.json'));
    const section = { driver: 'filesystem', directory: '/bucket' } as const;
    const storages = new Map(NAMES.map((name) => [name, { section }]));
    await writeConfigFiles({ plan, data, clusterKeyFile: '/key', signingKeyFiles: new Map(), storages });
  });

  afterAll(() => rm(data.path, { recursive: true, force: true }));

  const read = async (name: string) => configSchema.parse(JSON.parse(await readFile(data.configFile(name), 'utf8')));
  const files = [...NAMES.flatMap((name) => [`${name}-registry`, `${name}-replicator`]), 'router'];

  it.each(files)('%s has what every process must have, in the form that it must have', async (name) => {
    await expect(read(name)).resolves.toMatchObject({ clusterKeyFile: '/key' });
  });

  it('gives no two processes one port', async () => {
    const configs = await Promise.all(files.map(read));
    const ports = configs.flatMap(({ http }) => [http.port, http.operatorPort]);
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('leads peers through the lines between regions, and nobody through one to itself', async () => {
    const { topology } = await read('westeurope-registry');
    expect(topology.regions.map(({ peerUrl }) => peerUrl)).toEqual([
      'http://localhost:5610',
      'http://localhost:5520',
      'http://localhost:5612',
    ]);
  });

  it('tells the router how clients of each region reach each region, by a name', async () => {
    const { topology, router } = await read('router');
    expect(router.trustRegionHeader).toBe(true);
    expect(topology.regions[1]).toMatchObject({
      publicUrl: 'http://localhost:5520',
      publicUrlFrom: {
        eastus: 'http://localhost:5601',
        westeurope: 'http://localhost:5520',
        southeastasia: 'http://localhost:5621',
      },
    });
  });

  it('says the same distance in both directions, and none at home', async () => {
    const { topology } = await read('router');
    const matrix = NAMES.map((from) => NAMES.map((to) => topology.roundTripMs[from]?.[to]));
    expect(matrix).toEqual([
      [0, 80, 220],
      [80, 0, 160],
      [220, 160, 0],
    ]);
  });
});
