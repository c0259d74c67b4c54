/** `npm run test:compose`: docker-compose.yml from nothing to nothing; see `--help`. */
import { parseArgs } from 'node:util';
import { fail, say } from './lib/console.mjs';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { withToolsOnPath } from './lib/tool-cache.mjs';

const HELP = `Usage: npm run test:compose -- [--required] [--keep]

Brings docker-compose.yml up from nothing, uses it as people do, breaks parts of it, and takes it away.

  --required   fail where it cannot be tried, for want of an engine or a port; without it that is said, and no failure
  --keep       use what still runs, and leave everything running; take it away with: docker compose -p meridian-test down -v
  --help       this text`;

const { required, keep } = readOptions();
requireNode();
ensureModules();
ensureBuild();
process.exitCode = run(
  process.execPath,
  [
    ...['--experimental-vm-modules', '--no-warnings', inRoot('node_modules', 'jest', 'bin', 'jest.js')],
    ...['--selectProjects', 'compose', '--verbose'],
  ],
  {
    env: {
      ...withToolsOnPath(),
      ...(required ? { COMPOSE_REQUIRED: '1' } : {}),
      ...(keep ? { COMPOSE_KEEP: '1' } : {}),
    },
  },
);

function readOptions() {
  try {
    const flag = { type: 'boolean' };
    const { values } = parseArgs({ options: { required: flag, keep: flag, help: { ...flag, short: 'h' } } });
    if (!values.help) return values;
    say(HELP);
    process.exit(0);
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}
