import { expect } from '@jest/globals';
import type { ComposeWorld } from './compose-world.js';
import { runWell } from './docker.js';
import { PLACES, PRIMARY } from './places.js';
import type { Steps } from './steps.js';

const PROGRAMS = 'dist/apps/simulator/src';
const FEW = ['--sizes', 'small', '--repeats', '5', '--rounds', '0', '--no-faults'];
/** What is near takes a tenth of the time, unless something else has the machine meanwhile. */
const ATTEMPTS = 3;

/** What people run against it. */
export function describeMeasureAndDrill({ project }: ComposeWorld, steps: Steps): void {
  const env = { COMPOSE_PROJECT_NAME: project.name, NO_COLOR: '1' };
  const run = (program: string, args: readonly string[], signal: AbortSignal): Promise<string> =>
    runWell(process.execPath, [`${PROGRAMS}/${program}/main.js`, '--against', 'compose', ...args], signal, { env });

  const measureUntilWell = async (signal: AbortSignal): Promise<string> => {
    for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
      const said = await run('measure', FEW, signal).catch(() => undefined);
      if (said !== undefined) return said;
    }
    return run('measure', FEW, signal);
  };

  steps.step('pulls from the own replica are at least 60 % faster', 240, async (signal) => {
    const said = await measureUntilWell(signal);
    for (const { name } of PLACES.filter((place) => place !== PRIMARY)) {
      const [sentence] = said.match(new RegExp(`✓ pulls in ${name} are \\d+ % faster than from the primary`)) ?? [];
      expect([name, sentence]).toEqual([name, expect.any(String)]);
      process.stderr.write(`compose: ${sentence}\n`);
    }
  });

  steps.step('nobody notices that every Redis forgets everything', 240, async (signal) => {
    expect(await run('drill', ['redis-flush'], signal)).toContain('✓ what must hold, held: redis-flush');
  });
}
