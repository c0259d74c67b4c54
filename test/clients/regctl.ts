import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { waitFor } from '../support/wait-for.js';
import { type ClientWorld, PLACES } from './client-world.js';

export function describeRegctl(world: ClientWorld): void {
  describe('regctl', () => {
    it('pushes an OCI layout and copies it with its referrers', async () => {
      for (const place of PLACES) await world.run('regctl', 'registry', 'set', '--tls', 'disabled', world.at(place));
      await world.run(
        'regctl',
        'image',
        'copy',
        `ocidir://${world.image.layout}@${world.image.digest}`,
        world.through('clients/regctl:1'),
      );
      await writeFile(join(world.directory, 'note.txt'), 'a note\n');
      const subject = ['--subject', world.through('clients/regctl:1'), '--artifact-type', 'text/note'];
      await world.run('regctl', 'artifact', 'put', ...subject, '--file', 'note.txt', '--file-media-type', 'text/plain');
      await world.run(
        'regctl',
        'image',
        'copy',
        '--referrers',
        world.through('clients/regctl:1'),
        world.through('clients/regctl-copy:1'),
      );
      expect(await world.run('regctl', 'artifact', 'list', world.through('clients/regctl-copy:1'))).toContain(
        'text/note',
      );
    });

    it.each(PLACES)('finds the same digest in %s', async (place) => {
      expect(await world.untilThere(place, 'clients/regctl-copy:1')).toBe(world.image.digest);
      expect(await world.run('regctl', 'image', 'digest', `${world.at(place)}/clients/regctl-copy:1`)).toBe(
        world.image.digest,
      );
    });

    it('deletes a tag, and it stays away everywhere', async () => {
      await world.run('regctl', 'tag', 'delete', world.through('clients/regctl-copy:1'));
      for (const place of PLACES) {
        await waitFor(() => world.isGone(place, 'clients/regctl-copy:1'), {
          what: `the tag to be gone in ${place}`,
          withinMs: 30_000,
        });
      }
    });
  });
}
