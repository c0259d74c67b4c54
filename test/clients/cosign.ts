import { beforeAll, describe, expect, it } from '@jest/globals';
import { runTool } from '../support/tools.js';
import { type ClientWorld, PLACES, SEED } from './client-world.js';

const REPOSITORY = 'clients/cosign';
/** A key of our own and nobody else: no transparency log, no time stamps, no network. */
const OFFLINE = ['--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry', '--yes'];
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export function describeCosign(world: ClientWorld): void {
  describe('cosign', () => {
    const cosign = async (...args: string[]) => {
      const env = { ...world.env, COSIGN_PASSWORD: '' };
      return (await runTool('cosign', args, { cwd: world.directory, env })).stdout;
    };
    const subject = (place: string) => `${world.at(place)}/${REPOSITORY}@${world.image.digest}`;
    const sign = (...how: string[]) => cosign('sign', '--key', 'cosign.key', ...OFFLINE, ...how, subject('the router'));
    const verify = (place: string, ...how: string[]) =>
      cosign(
        'verify',
        '--key',
        'cosign.pub',
        '--insecure-ignore-tlog=true',
        '--allow-http-registry',
        ...how,
        subject(place),
      );

    beforeAll(async () => {
      await world.run('crane', 'copy', world.through(SEED), world.through(`${REPOSITORY}:1`));
      await cosign('generate-key-pair');
    });

    it('signs an image', async () => {
      await sign();
      expect(await world.referrers('here', REPOSITORY, world.image.digest)).toEqual([BUNDLE]);
    });

    it.each(PLACES)('verifies it in %s, by what refers to it', async (place) => {
      const verified = await world.eventually(place, 'the signature', () => verify(place));
      expect(verified).toContain(world.image.digest);
      expect(await world.referrers(place, REPOSITORY, world.image.digest)).toEqual([BUNDLE]);
    });

    it('signs in the old way, by a tag', async () => {
      await sign('--new-bundle-format=false');
      const tags = await world.run('crane', 'ls', world.through(REPOSITORY));
      expect(tags.split('\n')).toContain(`${world.image.digest.replace(':', '-')}.sig`);
    });

    it.each(PLACES)('verifies that in %s', async (place) => {
      await world.eventually(place, 'the old signature', () => verify(place, '--new-bundle-format=false'));
    });
  });
}
