import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type ClientWorld, digestOfBlob, PLACES } from './client-world.js';

export function describeSkopeo(world: ClientWorld): void {
  describe('skopeo', () => {
    const INSECURE = ['--src-tls-verify=false', '--dest-tls-verify=false'];

    it('pushes from an OCI layout', async () => {
      const from = `oci:${world.image.layout}`;
      await world.run('skopeo', 'copy', '--all', ...INSECURE, from, `docker://${world.through('clients/skopeo:1')}`);
      expect(await world.run('crane', 'digest', world.through('clients/skopeo:1'))).toBe(world.image.digest);
    });

    it.each(PLACES)('copies digest for digest from %s', async (place) => {
      await world.untilThere(place, 'clients/skopeo:1');
      const target = await world.folder(`skopeo ${place}`);
      await world.run(
        'skopeo',
        'copy',
        '--all',
        ...INSECURE,
        `docker://${world.at(place)}/clients/skopeo:1`,
        `oci:${target}:1`,
      );
      for (const digest of world.image.blobs) expect(await digestOfBlob(target, digest)).toBe(digest);
      expect(JSON.parse(await readFile(join(target, 'index.json'), 'utf8'))).toMatchObject({
        manifests: [{ digest: world.image.digest }],
      });
    });

    it('copies within the registry', async () => {
      const [from, to] = [
        `docker://${world.through('clients/skopeo:1')}`,
        `docker://${world.through('clients/skopeo:2')}`,
      ];
      await world.run('skopeo', 'copy', '--all', ...INSECURE, from, to);
      expect(await world.run('crane', 'digest', world.through('clients/skopeo:2'))).toBe(world.image.digest);
    });

    it('lists tags, and says what an image is', async () => {
      const tags = JSON.parse(
        await world.run('skopeo', 'list-tags', '--tls-verify=false', `docker://${world.through('clients/skopeo')}`),
      );
      expect(tags.Tags.sort()).toEqual(['1', '2']);
      const raw = await world.run(
        'skopeo',
        'inspect',
        '--raw',
        '--tls-verify=false',
        `docker://${world.through('clients/skopeo:1')}`,
      );
      expect(JSON.parse(raw)).toMatchObject({
        manifests: [{ digest: world.image.manifests[0] }, { digest: world.image.manifests[1] }],
      });
    });
  });
}
