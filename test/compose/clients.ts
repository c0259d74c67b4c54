import { join } from 'node:path';
import { expect } from '@jest/globals';
import { findTool } from '../../scripts/lib/tool-cache.mjs';
import { openContainerd } from '../clients/containerd.js';
import { clientOf, describeEngine, type Engine } from '../clients/engine.js';
import { openPodman } from '../clients/podman.js';
import type { ComposeWorld } from './compose-world.js';
import { REPOSITORY, waitUntilEverywhere } from './image-of-noise.js';
import { NAME, NearHome } from './near-replica.js';
import { NEAR, type Place, PRIMARY } from './places.js';
import { EVERYWHERE } from './push-and-pull.js';
import { requestsAnswered } from './requests.js';
import type { Steps } from './steps.js';

const MANIFESTS = '/v2/{name}/manifests/{reference}';
const PULLED = `${REPOSITORY}:1`;

/** A client that was told of the nearest replica. */
interface NearClient {
  readonly name: string;
  readonly engine: Engine;
  pull(): Promise<unknown>;
  /** What it pulled, to another repository. */
  push(repository: string): Promise<unknown>;
}

export async function openClients({ directory }: ComposeWorld): Promise<readonly NearClient[]> {
  const home = await NearHome.make(directory);
  const [containerd, podman] = await Promise.all([openContainerd(home), openPodman(home)]);
  return [nearContainerd(containerd, home), nearPodman(podman), nearSkopeo(openSkopeo(home), home)];
}

export async function closeClients(clients: readonly NearClient[]): Promise<void> {
  await Promise.all(clients.map(({ engine }) => ('whyNot' in engine ? undefined : engine.stop())));
}

export function describeClients({ project }: ComposeWorld, steps: Steps, clients: readonly NearClient[]): void {
  for (const { name, engine, pull, push } of clients) {
    const answered = (place: Place, signal: AbortSignal) => requestsAnswered(project, place, MANIFESTS, signal);
    describeEngine(name, engine, () => {
      steps.step(`${name} pulls from the near replica, and pushes to the primary`, 120, async (signal) => {
        const before = [await answered(PRIMARY, signal), await answered(NEAR, signal)];
        await pull();
        const [primary = 0, near = 0] = before;
        expect(await answered(PRIMARY, signal)).toBe(primary);
        expect(await answered(NEAR, signal)).toBeGreaterThan(near);
        await push(`clients/${name}:1`);
        expect(await answered(PRIMARY, signal)).toBeGreaterThan(primary);
        expect(await waitUntilEverywhere(`clients/${name}`, '1', signal)).toEqual(EVERYWHERE);
      });
    });
  }
}

function runOf(engine: Engine): (...args: string[]) => Promise<string> {
  if ('whyNot' in engine) return () => Promise.reject(new Error(engine.whyNot));
  return engine.run;
}

function nearContainerd(engine: Engine, { hostsDirectory }: NearHome): NearClient {
  const run = runOf(engine);
  const hosts = ['--hosts-dir', hostsDirectory];
  const named = (image: string) => `${NAME}/${image}`;
  return {
    ...{ name: 'containerd', engine },
    pull: () => run('images', 'pull', '--snapshotter', 'native', ...hosts, named(PULLED)),
    push: (image) => run('images', 'push', ...hosts, named(image), named(PULLED)),
  };
}

const named = (image: string): string => `${PRIMARY.registry}/${image}`;

function nearPodman(engine: Engine): NearClient {
  const run = runOf(engine);
  return {
    ...{ name: 'podman', engine },
    pull: () => run('pull', named(PULLED)),
    push: (image) => run('push', named(PULLED), named(image)),
  };
}

function nearSkopeo(engine: Engine, { directory }: NearHome): NearClient {
  const run = runOf(engine);
  const layout = `oci:${join(directory, 'layout')}:1`;
  return {
    ...{ name: 'skopeo', engine },
    pull: () => run('copy', `docker://${named(PULLED)}`, layout),
    push: (image) => run('copy', layout, `docker://${named(image)}`),
  };
}

function openSkopeo({ directory, env }: NearHome): Engine {
  if (findTool('skopeo') === undefined)
    return { whyNot: 'there is no program skopeo (Debian: apt-get install skopeo)' };
  return { run: clientOf('skopeo', [], { cwd: directory, env }), stop: async () => undefined };
}
