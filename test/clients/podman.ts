import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { findTool } from '../../scripts/lib/tool-cache.mjs';
import type { ClientHome } from './client-home.js';
import { type ClientWorld, PLACES, SEED } from './client-world.js';
import { clientOf, describeEngine, type Engine, reasonOf } from './engine.js';

const INSECURE = '--tls-verify=false';

/** Podman has no engine that runs; its storage is one of the test's own, which needs no rights of the machine. */
export async function openPodman(at: ClientHome): Promise<Engine> {
  if (findTool('podman') === undefined)
    return { whyNot: 'there is no program podman (Debian: apt-get install podman)' };
  const home = await at.folder('podman');
  const own = ['--root', join(home, 'root'), '--runroot', join(home, 'run'), '--tmpdir', join(home, 'tmp')];
  const quiet = ['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
  const run = clientOf('podman', [...own, ...quiet], { cwd: at.directory, env: at.env });
  try {
    await run('images');
  } catch (error) {
    return { whyNot: reasonOf(error) };
  }
  return { run, stop: async () => void (await run('rmi', '--all', '--force')) };
}

export function describePodman(world: ClientWorld, engine: Engine): void {
  describeEngine('podman', engine, ({ run }) => {
    it('builds an image from scratch and pushes it', async () => {
      await run('import', world.rootfs, 'localhost/built:1');
      await run('push', INSECURE, 'localhost/built:1', world.through('clients/podman:1'));
      expect(await world.digest('here', 'clients/podman:1')).toMatch(/^sha256:/);
    });

    it.each(PLACES)('pulls it, and an index, from %s', async (place) => {
      for (const image of ['clients/podman:1', SEED]) {
        const digest = await world.untilThere(place, image);
        const name = `${world.at(place)}/${image}`;
        await run('pull', INSECURE, name);
        expect(await run('image', 'inspect', '--format', '{{.RepoDigests}}', name)).toContain(digest);
      }
    });
  });
}
