import { expect } from '@jest/globals';
import type { ComposeWorld } from './compose-world.js';
import { docker } from './docker.js';
import { forgetImage, pushNoise, REPOSITORY, waitUntilEverywhere } from './image-of-noise.js';
import { NEAR, PLACES, ROUTER } from './places.js';
import { pullFrom } from './pull-by-hand.js';
import type { Steps } from './steps.js';

export const EVERYWHERE: readonly string[] = PLACES.map(({ name }) => `${name} present`).toSorted();

/** The engine's own client, which is root's and not in any region. */
export function describePushAndPull({ project }: ComposeWorld, steps: Steps): void {
  steps.step('docker pushes through the router, and it is everywhere', 180, async (signal) => {
    await pushNoise('1', signal);
    expect(await waitUntilEverywhere(REPOSITORY, '1', signal)).toEqual(EVERYWHERE);
  });

  for (const place of PLACES) {
    steps.step(`its bytes come from the store of ${place.name}, by the reader's key`, 30, (signal) =>
      pullFrom(place, REPOSITORY, '1', signal),
    );
  }

  for (const from of [ROUTER, NEAR.registry]) {
    steps.step(`docker pulls from ${from}`, 60, async (signal) => {
      const image = `${from}/${REPOSITORY}:1`;
      await docker(['pull', '-q', image], signal);
      await forgetImage(image, signal);
    });
  }

  steps.step("the reader's key opens nothing but data", 60, async (signal) => {
    const key = 'MC_HOST_store=http://meridian-eastus-reader:$(cat /run/secrets/s3-reader)@eastus-minio:9000';
    const refused = [
      'mc ls store/meridian-eastus/',
      'mc cat store/meridian-eastus/state/progress!',
      'echo x | mc pipe store/meridian-eastus/data/x',
    ];
    for (const command of refused) {
      const options = ['--entrypoint', '/bin/sh'];
      const script = ['-c', `export ${key}; ${command}`];
      const { output } = await project.runOnce('eastus-minio-init', { options, command: script }, signal);
      expect(output).toMatch(/Access Denied|Insufficient permissions/);
    }
  });
}
