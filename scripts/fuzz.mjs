/** `npm run fuzz`: requests that are almost right, as many as you like; see `--help`. */
import { parseArgs } from 'node:util';
import { fail, say } from './lib/console.mjs';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { runTypescript } from './lib/run-typescript.mjs';
import { withToolsOnPath } from './lib/tool-cache.mjs';

const HELP = `Usage: npm run fuzz -- [--requests N | --parsers N [--json]] [--seed N]

Starts a cluster and sends its primary requests that are almost right. None may be answered with a 5xx, the process has
to stay alive, and its memory bounded. A failure names its requests; the same seed sends the same ones again.

  --requests N  how many (100000)
  --parsers N   gives so many inputs to the parsers themselves instead, without a cluster
  --json        with --parsers: one JSON object instead of lines
  --seed N      which ones (1)`;

const { requests, parsers, seed } = readOptions();
process.exitCode =
  parsers === undefined ? await sendRequests() : runTypescript('test', 'load', 'fuzz-parsers-command.ts');

async function sendRequests() {
  requireNode();
  ensureModules();
  await ensureRedis();
  ensureBuild();
  return run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      inRoot('node_modules', 'jest', 'bin', 'jest.js'),
      ...['--selectProjects', 'e2e', '--', 'test/e2e/fuzz'],
    ],
    { env: { ...withToolsOnPath(), FUZZ_REQUESTS: requests, FUZZ_SEED: seed } },
  );
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        requests: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '1' },
        parsers: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      say(HELP);
      process.exit(0);
    }
    for (const value of [values.requests, values.seed, values.parsers ?? '1'])
      if (!/^[1-9][0-9]{0,8}$/.test(value)) throw new Error(`not a count: ${value}`);
    return values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}
