import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { waitFor } from '../support/wait-for.js';
import { type ClientWorld, PLACES } from './client-world.js';

export function describeOras(world: ClientWorld): void {
  describe('oras', () => {
    const PLAIN = ['--plain-http'];
    const TYPE = 'application/vnd.example.sample';
    const BILL = 'application/spdx+json';

    it('pushes an artifact', async () => {
      await writeFile(join(world.directory, 'sample.txt'), 'a sample\n');
      await world.run(
        'oras',
        'push',
        ...PLAIN,
        '--artifact-type',
        TYPE,
        world.through('clients/oras:1'),
        'sample.txt:text/plain',
      );
      expect(
        JSON.parse(await world.run('oras', 'manifest', 'fetch', ...PLAIN, world.through('clients/oras:1'))),
      ).toMatchObject({
        artifactType: TYPE,
      });
    });

    it('attaches another to it', async () => {
      await writeFile(join(world.directory, 'bill.json'), '{"spdxVersion":"SPDX-2.3"}\n');
      await world.run(
        'oras',
        'attach',
        ...PLAIN,
        '--artifact-type',
        BILL,
        world.through('clients/oras:1'),
        `bill.json:${BILL}`,
      );
    });

    it.each(PLACES)('discovers what was attached in %s', async (place) => {
      await world.untilThere(place, 'clients/oras:1');
      const found = await waitFor(
        async () => {
          const text = await world.run(
            'oras',
            'discover',
            ...PLAIN,
            '--format',
            'json',
            `${world.at(place)}/clients/oras:1`,
          );
          const { manifests } = JSON.parse(text);
          return manifests?.length > 0 && manifests;
        },
        { what: `the bill to be in ${place}`, withinMs: 30_000 },
      );
      expect(found).toEqual([expect.objectContaining({ artifactType: BILL })]);
    });

    it.each(PLACES)('pulls it from %s', async (place) => {
      const target = await world.folder(`oras ${place}`);
      await world.run('oras', 'pull', ...PLAIN, '--output', target, `${world.at(place)}/clients/oras:1`);
      expect(await readFile(join(target, 'sample.txt'), 'utf8')).toBe('a sample\n');
    });
  });
}
