import { expect } from '@jest/globals';
import type { ComposeWorld } from './compose-world.js';
import { NEAR } from './places.js';
import { requestsAnswered } from './requests.js';
import type { Steps } from './steps.js';

const REQUESTS = 40;

export function describeScaling({ project }: ComposeWorld, steps: Steps): void {
  const service = `${NEAR.name}-registry`;

  steps.step(`two registries in ${NEAR.name}, both used`, 120, async (signal) => {
    await project.up(signal, '--no-recreate', '--scale', `${service}=2`, service);
    const answered = () => Promise.all([1, 2].map((index) => requestsAnswered(project, NEAR, '/v2/', signal, index)));
    const [first = 0, second = 0] = await answered();
    for (let request = 0; request < REQUESTS; request += 1) {
      const answer = await fetch(`http://${NEAR.registry}/v2/`, { headers: { connection: 'close' }, signal });
      expect(answer.status).toBe(200);
    }
    const [firstAfter = 0, secondAfter = 0] = await answered();
    expect(firstAfter).toBeGreaterThan(first);
    expect(secondAfter).toBeGreaterThan(second);
  });
}
