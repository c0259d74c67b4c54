/** `npm run fuzz`: requests that are almost right, as many as you like; see `--help`. */
import { parseArgs } from 'node:util';
import { fail, say } from './lib/console.mjs';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { withToolsOnPath } from './lib/tool-cache.mjs';

const HELP = `Usage: npm run fuzz -- [--requests N] [--seed N]

Starts a cluster and sends its primary requests that are almost right. None may be answered with a 5xx, the process has
to stay alive, and its memory bounded. A failure names its requests; the same seed sends the same ones again.

  --requests N  how many (100000)
  --seed N      which ones (1)`;

const { requests, seed } = readOptions();
requireNode();
ensureModules();
await ensureRedis();
ensureBuild();
process.exitCode = run(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    inRoot('node_modules', 'jest', 'bin', 'jest.js'),
    ...['--selectProjects', 'e2e', '--', 'test/e2e/fuzz'],
  ],
  { env: { ...withToolsOnPath(), FUZZ_REQUESTS: requests, FUZZ_SEED: seed } },
);

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        requests: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      say(HELP);
      process.exit(0);
    }
    for (const value of [values.requests, values.seed])
      if (!/^[1-9][0-9]{0,8}$/.test(value)) throw new Error(`not a count: ${value}`);
    return values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}
