import { expect } from '@jest/globals';
import type { ComposeWorld } from './compose-world.js';
import { docker } from './docker.js';
import { PRIMARY } from './places.js';
import type { Steps } from './steps.js';

const IMAGE = 'meridian:local';
/** Ours: what lies on top of the image that it is made from. */
const MOST_MEGABYTES = 40;
const SECRETS = ['.npmrc', '.env*', '*.key', '*.pem', 'id_*', 'cluster-key', '*-s3-*', '.git', '.meridian'];
const SOURCES = ['*.ts', '*.mts', '*.cts', '*.map', '*.spec.*', 'testing', 'Dockerfile', 'docker-compose.yml'];
const TOOLS = ['typescript', 'jest', 'fast-check', '@biomejs', '@swc'];

/** One look at everything: each program that is started in a container costs a moment. */
const LOOK = [
  'ls -A /app | xargs',
  'ls -A /app/dist/apps | xargs',
  find('/app/dist', SOURCES),
  find('/app /spool', SECRETS),
  `cd /app/node_modules && ls -d ${TOOLS.join(' ')} 2>/dev/null`,
  'id -u',
  'touch /app/x 2>/dev/null && echo it can be written to',
].join('; echo ---; ');

export function describeImage({ project }: ComposeWorld, steps: Steps): void {
  const service = `${PRIMARY.name}-registry`;

  steps.step('the image holds what it needs, and runs as nobody', 60, async (signal) => {
    const { output } = await project.exec(service, ['sh', '-c', LOOK], signal);
    expect(output.split('---').map((part) => part.trim())).toEqual([
      'LICENSE dist node_modules package.json',
      'cli registry replicator router',
      ...['', '', ''],
      '1000',
      '',
    ]);
  });

  steps.step('nothing secret is in its history, and it is small', 60, async (signal) => {
    const history = await docker(
      ['history', '--no-trunc', '--human=false', '--format', '{{.Size}} {{.CreatedBy}}', IMAGE],
      signal,
    );
    expect(history).not.toMatch(/secret|password|token/i);
    const megabytes = ownBytes(history) / 1_000_000;
    process.stderr.write(`compose: the image is ${megabytes.toFixed(1)} MB on top of its base\n`);
    expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  });

  // Nothing of the build's time, order or cache may be in a layer.
  steps.step('the same input makes the same layers', 300, async (signal) => {
    const layers = () => docker(['image', 'inspect', '--format', '{{json .RootFS.Layers}}', IMAGE], signal);
    const before = await layers();
    await project.compose(['build', '--no-cache', service], signal);
    expect(await layers()).toBe(before);
  });
}

/** Newest first; what it is made from begins below our first words. */
function ownBytes(history: string): number {
  const lines = history.trim().split('\n');
  const own = lines.slice(
    0,
    lines.findIndex((line) => line.includes('ENV NODE_ENV=production')),
  );
  return own.reduce((sum, line) => sum + Number.parseInt(line, 10), 0);
}

function find(folders: string, names: readonly string[]): string {
  return `find ${folders} ${names.map((name) => `-name '${name}'`).join(' -o ')}`;
}
