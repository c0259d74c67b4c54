import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { findTool } from '../../scripts/lib/tool-cache.mjs';
import { TestProcess } from '../support/process.js';
import { runTool, tool } from '../support/tools.js';
import { type ClientWorld, PLACES, SEED } from './client-world.js';
import { clientOf, describeEngine, type Engine, isRoot, reasonOf } from './engine.js';

const ENGINE_WITHIN_MS = 40_000;

/** An engine of the test's own where one can be started, or else the one that runs on this machine. */
export async function openDocker(world: ClientWorld): Promise<Engine> {
  if (findTool('docker') === undefined) return { whyNot: 'there is no program docker' };
  if (process.platform !== 'linux')
    return { whyNot: 'the engine is in a virtual machine, where localhost is not ours' };
  const reasons: string[] = [];
  if (isRoot() && findTool('dockerd') !== undefined) {
    try {
      return await startEngine(world);
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  } else reasons.push('no engine can be started without root and dockerd');
  return (await runningEngine(world)) ?? { whyNot: [...reasons, 'and none is running'].join('; ') };
}

/** Without a network of its own: nothing runs in it, images only come and go. */
async function startEngine(world: ClientWorld): Promise<Engine> {
  const home = await world.folder('docker');
  const socket = `unix://${join(home, 'socket')}`;
  const config = join(home, 'daemon.json');
  await writeFile(config, '{}');
  const paths = ['--data-root', join(home, 'data'), '--exec-root', join(home, 'exec'), '--pidfile', join(home, 'pid')];
  const bare = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--storage-driver', 'vfs'];
  const run = clientOf('docker', ['--host', socket], { cwd: world.directory, env: world.env });
  const engine = await TestProcess.start({
    name: 'dockerd',
    command: tool('dockerd'),
    args: ['--config-file', config, '--host', socket, ...paths, ...bare],
    isReady: async () => (await run('version', '--format', '{{.Server.Version}}')) !== '',
    readyWithinMs: ENGINE_WITHIN_MS,
  });
  return { run, stop: async () => void (await engine.stop()) };
}

async function runningEngine(world: ClientWorld): Promise<Engine | undefined> {
  const run = clientOf('docker', [], { cwd: world.directory, env: world.env });
  try {
    await runTool('docker', ['version'], { timeoutMs: 10_000 });
  } catch {
    return undefined;
  }
  const ours = async () => (await run('images', '--quiet', '--filter', 'reference=localhost:*/clients/*')).split('\n');
  return {
    run,
    stop: async () => {
      const images = [...new Set(await ours())].filter((id) => id !== '');
      if (images.length > 0) await run('rmi', '--force', ...images);
    },
  };
}

export function describeDocker(world: ClientWorld, engine: Engine): void {
  describeEngine('docker', engine, ({ run }) => {
    const pushed = 'clients/docker:1';

    it('builds an image from scratch and pushes it', async () => {
      const name = world.through(pushed);
      await run('import', world.rootfs, name);
      expect(await run('push', name)).toContain(await world.digest('here', pushed));
      await world.run('crane', 'validate', '--remote', name);
    });

    it.each(PLACES)('pulls it, and an index, from %s', async (place) => {
      for (const image of [pushed, SEED]) {
        const digest = await world.untilThere(place, image);
        const name = `${world.at(place)}/${image}`;
        expect(await run('pull', name)).toContain(digest);
        expect(await run('image', 'inspect', '--format', '{{.RepoDigests}}', name)).toContain(digest);
      }
    });

    it('finds every layer there already when it pushes to another repository', async () => {
      const name = world.through('clients/docker-copy:1');
      await run('tag', world.through(pushed), name);
      const said = await run('push', name);
      expect(said).toMatch(/Mounted from clients\/docker|Layer already exists/);
      expect(said).toContain(await world.digest('here', pushed));
    });
  });
}
