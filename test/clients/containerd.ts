import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { findTool } from '../../scripts/lib/tool-cache.mjs';
import { TestProcess } from '../support/process.js';
import { tool } from '../support/tools.js';
import type { ClientHome } from './client-home.js';
import { type ClientWorld, PLACES, SEED } from './client-world.js';
import { clientOf, describeEngine, type Engine, isRoot, reasonOf } from './engine.js';

/** Layers are unpacked into plain directories, which every file system has. */
const PLAIN = ['--plain-http', '--snapshotter', 'native'];

/** A containerd of the test's own. */
export async function openContainerd(at: ClientHome): Promise<Engine> {
  for (const program of ['containerd', 'ctr']) {
    if (findTool(program) === undefined)
      return { whyNot: `there is no program ${program} (Debian: apt-get install containerd)` };
  }
  if (!isRoot()) return { whyNot: 'containerd needs root' };
  const home = await at.folder('containerd');
  const socket = join(home, 'socket');
  const config = join(home, 'config.toml');
  await writeFile(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
  const run = clientOf('ctr', ['--address', socket, '--namespace', 'test'], { cwd: at.directory, env: at.env });
  const paths = ['--root', join(home, 'root'), '--state', join(home, 'state'), '--address', socket];
  try {
    const process = await TestProcess.start({
      name: 'containerd',
      command: tool('containerd'),
      args: ['--config', config, ...paths],
      isReady: async () => (await run('version')).includes('Server'),
    });
    return { run, stop: async () => void (await process.stop()) };
  } catch (error) {
    return { whyNot: reasonOf(error) };
  }
}

export function describeContainerd(world: ClientWorld, engine: Engine): void {
  describeEngine('containerd', engine, ({ run }) => {
    it.each(PLACES)('pulls an index and all its images from %s', async (place) => {
      const digest = await world.untilThere(place, SEED);
      const name = `${world.at(place)}/${SEED}`;
      await run('images', 'pull', ...PLAIN, '--all-platforms', name);
      expect(await run('images', 'list', `name==${name}`)).toContain(digest);
      expect(await run('images', 'check', `name==${name}`)).toContain('complete');
    });

    it('pushes it to another repository', async () => {
      const name = world.through('clients/containerd:1');
      await run('images', 'tag', world.through(SEED), name);
      await run('images', 'push', '--plain-http', name);
      expect(await world.digest('the router', 'clients/containerd:1')).toBe(world.image.digest);
      await world.run('crane', 'validate', '--remote', name);
    });

    it('pushes what was brought in from a layout on disk', async () => {
      await world.run('tar', '--create', '--file', 'layout.tar', '--directory', world.image.layout, '.');
      await run('images', 'import', '--all-platforms', '--digests', '--base-name', 'imported', 'layout.tar');
      const name = world.through('clients/imported:1');
      await run('images', 'tag', `imported@${world.image.digest}`, name);
      await run('images', 'push', '--plain-http', name);
      expect(await world.digest('here', 'clients/imported:1')).toBe(world.image.digest);
    });
  });
}
