import { afterAll, it } from '@jest/globals';
import { describeEngine } from '../clients/engine.js';
import { describeBadStarts } from './bad-starts.js';
import { describeChaos } from './chaos.js';
import { closeClients, describeClients, openClients } from './clients.js';
import { ComposeWorld } from './compose-world.js';
import { describeEnding } from './ending.js';
import { describeImage } from './image.js';
import { describeMeasureAndDrill } from './measure-and-drill.js';
import { describeOutages } from './outages.js';
import { describePushAndPull } from './push-and-pull.js';
import { describeScaling } from './scaling.js';
import { Steps } from './steps.js';
import { describeWatching } from './watching.js';

/** Set by `npm run test:compose`; see its `--help`. */
const { COMPOSE_REQUIRED, COMPOSE_KEEP } = process.env;
const UP_SECONDS = 300;
const CLOSE_LIMIT_MS = 120_000;

// Whether an engine runs here decides what tests there are.
const world = await ComposeWorld.open('meridian-test', { keep: COMPOSE_KEEP !== undefined });
const clients = 'whyNot' in world ? [] : await openClients(world);

afterAll(async () => {
  await closeClients(clients);
  if (!('whyNot' in world)) await world.close();
}, CLOSE_LIMIT_MS);

if (COMPOSE_REQUIRED !== undefined && 'whyNot' in world)
  it('can be run on this machine', () => {
    throw new Error(world.whyNot);
  });
else
  describeEngine('docker-compose.yml', world, (running) => {
    const steps = new Steps(running);
    steps.step('comes up from nothing', UP_SECONDS, async (signal) => {
      await running.project.up(signal, '--build', '--wait-timeout', String(UP_SECONDS - 10));
    });
    describeImage(running, steps);
    describePushAndPull(running, steps);
    describeClients(running, steps, clients);
    describeBadStarts(running, steps);
    describeMeasureAndDrill(running, steps);
    describeScaling(running, steps);
    describeOutages(running, steps);
    describeChaos(running, steps);
    describeWatching(running, steps);
    describeEnding(running, steps);
  });
