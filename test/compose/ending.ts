import { expect } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { type ComposeWorld, volumeNames } from './compose-world.js';
import { docker } from './docker.js';
import { PROCESSES } from './places.js';
import type { Steps } from './steps.js';

const STOP_LIMIT_MS = 12_000;

export function describeEnding({ project, volumesBefore, options }: ComposeWorld, steps: Steps): void {
  steps.step('every process stops in order and in time', 60, async (signal) => {
    const startMs = systemClock.monotonic();
    await project.compose(['stop', ...PROCESSES], signal);
    expect(systemClock.monotonic() - startMs).toBeLessThan(STOP_LIMIT_MS);
    for (const service of PROCESSES) {
      expect([service, await project.exitCodes(service, signal)]).toEqual([service, [0]]);
    }
  });

  if (options.keep) return;
  steps.always('down -v leaves nothing', 60, async (signal) => {
    await project.down(signal);
    // Those that other builds of this run have taken the name of.
    await docker(['image', 'prune', '-f', '--filter', 'label=org.opencontainers.image.title=Meridian'], signal);
    expect(await project.leftovers(signal)).toEqual([]);
    const unnamed = (await volumeNames(signal)).filter((name) => !volumesBefore.has(name));
    expect(unnamed).toEqual([]);
  });
}
