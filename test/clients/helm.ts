import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ClientWorld, PLACES } from './client-world.js';

const PLAIN = '--plain-http';

export function describeHelm(world: ClientWorld): void {
  describe('helm', () => {
    let chart: string;

    beforeAll(async () => {
      const source = await world.folder('chart');
      await writeFile(join(source, 'Chart.yaml'), 'apiVersion: v2\nname: sample\nversion: 0.1.0\n');
      const templates = await world.folder('chart/templates');
      await writeFile(join(templates, 'map.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sample}\n');
      await world.run('helm', 'package', source);
      chart = join(world.directory, 'sample-0.1.0.tgz');
    });

    // Helm refuses to go on with an upload at another host than the one that it began it at.
    it('pushes a chart, and at the primary again', async () => {
      await world.run('helm', 'push', chart, `oci://${world.through('charts')}`, PLAIN);
      await world.run('helm', 'push', chart, `oci://${world.at('here')}/charts`, PLAIN);
    });

    it.each(PLACES)('pulls it from %s', async (place) => {
      await world.untilThere(place, 'charts/sample:0.1.0');
      const target = await world.folder(`helm ${place}`);
      await world.run('helm', 'pull', `oci://${world.at(place)}/charts/sample`, PLAIN, '--destination', target);
      expect((await readFile(join(target, 'sample-0.1.0.tgz'))).equals(await readFile(chart))).toBe(true);
    });

    it.each(PLACES)('shows what is in it, by version, in %s', async (place) => {
      const reference = `oci://${world.at(place)}/charts/sample`;
      expect(await world.run('helm', 'show', 'chart', reference, PLAIN, '--version', '0.1.0')).toContain(
        'name: sample',
      );
      expect(await world.run('helm', 'template', 'x', reference, PLAIN)).toContain('kind: ConfigMap');
    });
  });
}
