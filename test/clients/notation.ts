import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ClientWorld, PLACES, SEED } from './client-world.js';

const REPOSITORY = 'clients/notation';
const AUTHORITY = 'clients.test';
const SIGNATURE = 'application/vnd.cncf.notary.signature';
const INSECURE = '--insecure-registry';

/** Believes the authority that the test makes, and nobody else. */
const POLICY = {
  version: '1.0',
  trustPolicies: [
    {
      name: 'test',
      registryScopes: ['*'],
      signatureVerification: { level: 'strict' },
      trustStores: [`ca:${AUTHORITY}`],
      trustedIdentities: ['*'],
    },
  ],
};

export function describeNotation(world: ClientWorld): void {
  describe('notation', () => {
    const subject = (place: string) => `${world.at(place)}/${REPOSITORY}@${world.image.digest}`;
    const signatures = async (place: string) =>
      (await world.run('notation', 'list', INSECURE, subject(place))).match(/── sha256:[0-9a-f]{64}$/gm) ?? [];

    beforeAll(async () => {
      await world.run('crane', 'copy', world.through(SEED), world.through(`${REPOSITORY}:1`));
      await world.run('notation', 'cert', 'generate-test', '--default', AUTHORITY);
      await writeFile(join(world.directory, 'policy.json'), JSON.stringify(POLICY));
      await world.run('notation', 'policy', 'import', '--force', 'policy.json');
    });

    it('does not verify what nobody signed', async () => {
      await expect(world.run('notation', 'verify', INSECURE, subject('the router'))).rejects.toThrow(/no signature/);
    });

    // By default it keeps the tag for registries without the referrers API, and says so to all registries.
    it('signs an image, under the tag that stands in for the list of referrers', async () => {
      await world.run('notation', 'sign', INSECURE, subject('the router'));
      const tags = await world.run('crane', 'ls', world.through(REPOSITORY));
      expect(tags.split('\n')).toContain(world.image.digest.replace(':', '-'));
    });

    it('signs it once more, without that tag', async () => {
      await world.run('notation', 'sign', INSECURE, '--force-referrers-tag=false', subject('the router'));
      expect(await world.referrers('here', REPOSITORY, world.image.digest)).toEqual([SIGNATURE, SIGNATURE]);
    });

    it.each(PLACES)('finds and verifies both in %s', async (place) => {
      const found = await world.eventually(place, 'both signatures', async () => {
        const all = await signatures(place);
        return all.length === 2 && all;
      });
      expect(found).toHaveLength(2);
      expect(await world.run('notation', 'verify', INSECURE, subject(place))).toContain('Successfully verified');
    });
  });
}
