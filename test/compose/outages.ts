import { expect } from '@jest/globals';
import { waitFor } from '../support/wait-for.js';
import type { ComposeWorld } from './compose-world.js';
import { pushNoise, REPOSITORY, waitUntilEverywhere } from './image-of-noise.js';
import { NEAR, PRIMARY } from './places.js';
import { queryOf, valueFor } from './prometheus.js';
import { sentTo } from './pull-by-hand.js';
import { EVERYWHERE } from './push-and-pull.js';
import type { Steps } from './steps.js';

const EVERY_MS = 500;
const GROWN_BY_SECONDS = 5;

/** What is seen of a part that is gone, from outside and by Prometheus. */
export function describeOutages({ project }: ComposeWorld, steps: Steps): void {
  const now = (panel: string, signal: AbortSignal) => valueFor(NEAR.name, queryOf(`Replication / ${panel}`), signal);
  const grows = async (panel: string, signal: AbortSignal): Promise<void> => {
    const first = await waitFor(() => now(panel, signal), { what: `${panel} of ${NEAR.name}`, everyMs: EVERY_MS });
    const hasGrown = async () => ((await now(panel, signal)) ?? 0) > first + GROWN_BY_SECONDS;
    await waitFor(hasGrown, { what: `"${panel}" of ${NEAR.name} to grow`, withinMs: 40_000, everyMs: EVERY_MS });
  };

  steps.step('the lag of a region whose replicator is gone is seen to grow, and it catches up', 240, async (signal) => {
    await project.compose(['kill', `${NEAR.name}-replicator`], signal);
    await pushNoise('2', signal);
    const lacks = async () => ((await now('Changes behind', signal)) ?? 0) >= 1;
    await waitFor(lacks, { what: `${NEAR.name} to lack a change`, withinMs: 40_000, everyMs: EVERY_MS });
    await Promise.all([grows('Last heard of', signal), grows('Lag', signal)]);
    await project.up(signal, '--no-recreate', '--no-deps', `${NEAR.name}-replicator`);
    expect(await waitUntilEverywhere(REPOSITORY, '2', signal)).toEqual(EVERYWHERE);
    const keepsUp = async () => !(await lacks()) && ((await now('Lag', signal)) ?? 1) < 1;
    await waitFor(keepsUp, { what: 'Prometheus to see that it caught up', withinMs: 40_000, everyMs: EVERY_MS });
  });

  steps.step('clients of a region without its store are sent elsewhere, and home again', 150, async (signal) => {
    const areSentTo = async (registry: string) => (await sentTo(NEAR.name, REPOSITORY, '1', signal)) === registry;
    expect(await areSentTo(NEAR.registry)).toBe(true);
    await project.compose(['stop', '-t', '2', `${NEAR.name}-minio`], signal);
    await waitFor(() => areSentTo(PRIMARY.registry), { what: 'clients to be sent to the next region' });
    await project.compose(['start', `${NEAR.name}-minio`], signal);
    await waitFor(() => areSentTo(NEAR.registry), { what: 'clients to be sent home', withinMs: 60_000 });
  });
}
