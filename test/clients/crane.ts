import { describe, expect, it } from '@jest/globals';
import { type ClientWorld, digestOfBlob, PLACES } from './client-world.js';

export function describeCrane(world: ClientWorld): void {
  describe('crane', () => {
    it('pushes an index with images for two architectures', async () => {
      await world.run('crane', 'push', '--index', world.image.layout, world.through('clients/crane:1'));
      expect(await world.run('crane', 'digest', world.through('clients/crane:1'))).toBe(world.image.layoutDigest);
    });

    it.each(PLACES)('finds the same digest, and valid layers, in %s', async (place) => {
      expect(await world.untilThere(place, 'clients/crane:1')).toBe(world.image.layoutDigest);
      await world.run('crane', 'validate', '--remote', `${world.at(place)}/clients/crane:1`);
    });

    it.each(PLACES)('pulls every blob from %s', async (place) => {
      const target = await world.folder(`crane ${place}`);
      await world.run('crane', 'pull', '--format', 'oci', `${world.at(place)}/clients/crane:1`, target);
      for (const digest of [...world.image.manifests, ...world.image.blobs])
        expect(await digestOfBlob(target, digest)).toBe(digest);
    });

    it('tags, lists tags and lists repositories', async () => {
      await world.run('crane', 'tag', world.through('clients/crane:1'), 'stable');
      expect((await world.run('crane', 'ls', world.through('clients/crane'))).split('\n').sort()).toEqual([
        '1',
        'stable',
      ]);
      expect((await world.run('crane', 'catalog', world.at('the router'))).split('\n')).toContain('clients/crane');
    });

    it('copies to another repository, whose blobs are mounted', async () => {
      await world.run('crane', 'copy', world.through('clients/crane:1'), world.through('clients/copied:1'));
      expect(await world.run('crane', 'digest', world.through('clients/copied:1'))).toBe(world.image.layoutDigest);
    });
  });
}
