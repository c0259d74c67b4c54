/** `npm run model`: the API held against a small model, as long as you like; see `--help`. */
import { parseArgs } from 'node:util';
import { fail, say } from './lib/console.mjs';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { ensureTools } from './lib/ensure-tools.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { withToolsOnPath } from './lib/tool-cache.mjs';
import { GROUPS_THAT_TESTS_NEED, TOOLS } from './lib/tools.mjs';

const HELP = `Usage: npm run model -- [--runs N] [--seed N] [--on NAME] [--path P --replay R]

Sends random sequences of up to 60 requests, and compares each answer with that of a model; and races
between two processes on one store. A failure is shrunk to the
fewest requests that still fail, and tells its seed, path and replayPath.

  --runs N    sequences for each registry (200)
  --seed N    which ones (1)
  --on NAME   only one of: memory, filesystem, MinIO, versitygw, router, processes (races)
  --path P    the failure that was found at that path, with the same seed
  --replay R  and its replayPath`;

const { on, ...options } = readOptions();
requireNode();
ensureModules();
await ensureRedis();
ensureTools(TOOLS.filter(({ group }) => GROUPS_THAT_TESTS_NEED.includes(group)));
ensureBuild();
process.exitCode = run(
  process.execPath,
  [
    ...['--experimental-vm-modules', '--no-warnings', inRoot('node_modules', 'jest', 'bin', 'jest.js')],
    ...['--selectProjects', 'model', ...(on === undefined ? [] : ['--testNamePattern', on]), '--', 'test/model'],
  ],
  { env: { ...withToolsOnPath(), ...environment(options) } },
);

function environment({ runs, seed, path, replay }) {
  return {
    ...{ MODEL_RUNS: runs, MODEL_SEED: seed },
    ...(path === undefined ? {} : { MODEL_PATH: path }),
    ...(replay === undefined ? {} : { MODEL_REPLAY: replay }),
  };
}

function readOptions() {
  try {
    const text = { type: 'string' };
    const { values } = parseArgs({
      options: {
        ...{ runs: { ...text, default: '200' }, seed: { ...text, default: '1' }, on: text, path: text, replay: text },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      say(HELP);
      process.exit(0);
    }
    if (!/^[1-9][0-9]{0,8}$/.test(values.runs)) throw new Error(`not a count: ${values.runs}`);
    if (!/^-?[0-9]{1,10}$/.test(values.seed)) throw new Error(`not a seed: ${values.seed}`);
    return values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}
