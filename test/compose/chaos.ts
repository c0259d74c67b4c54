import { expect } from '@jest/globals';
import { waitFor } from '../support/wait-for.js';
import type { ComposeWorld } from './compose-world.js';
import { docker } from './docker.js';
import { PLACES } from './places.js';
import type { Steps } from './steps.js';

const CLIENTS = PLACES.map(({ name }) => `${name}-client`);
const WAIT = { withinMs: 90_000, everyMs: 1_000 };
/** Short faults and short rests: some of them have to fit. */
const PACE = { REST_MS: '1000', LONGEST_MS: '4000' };

export function describeChaos({ project }: ComposeWorld, steps: Steps): void {
  const profiles = ['--profile', 'client', '--profile', 'chaos'];

  steps.step('pullers in each region pull, also while lines break', 240, async (signal) => {
    const up = ['compose', '-p', project.name, ...profiles, 'up', '-d', '--no-deps', ...CLIENTS, 'chaos'];
    await docker(up, signal, { env: PACE });
    for (const client of CLIENTS) {
      const hasPulled = async () => /^[1-9]\d* pulls, [1-9]/m.test(await project.logs(client, signal));
      await waitFor(hasPulled, { ...WAIT, what: `${client} to have pulled` });
      expect(await project.logs(client, signal)).not.toMatch(/has the bytes of/);
    }
    const wasHealed = async () => /whole again/.test(await project.logs('chaos', signal));
    await waitFor(wasHealed, { ...WAIT, what: 'a line to be broken and healed' });
    await project.compose([...profiles, 'stop', ...CLIENTS, 'chaos'], signal);
    expect(await project.logs('chaos', signal)).not.toMatch(/not broken: (?!The operation was aborted due to timeout)/);
    for (const service of [...CLIENTS, 'chaos'])
      expect([service, await project.exitCodes(service, signal)]).toEqual([service, [0]]);
  });
}
