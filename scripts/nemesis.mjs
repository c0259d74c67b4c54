/** `npm run nemesis`: real processes and everything that can happen to them; see `--help`. */
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { ensureTools } from './lib/ensure-tools.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { withToolsOnPath } from './lib/tool-cache.mjs';
import { TOOLS } from './lib/tools.mjs';

const args = process.argv.slice(2);
const wantsHelp = args.includes('--help') || args.includes('-h');

requireNode();
ensureModules();
if (!wantsHelp) {
  await ensureRedis();
  ensureTools(TOOLS.filter(({ name }) => name === 'minio'));
  ensureBuild();
}
process.exitCode = run(
  process.execPath,
  [
    ...['--conditions=source', '--enable-source-maps', '--no-warnings'],
    ...['--import', './scripts/lib/typescript-hooks.mjs', inRoot('test', 'nemesis', 'command.ts'), ...args],
  ],
  { env: withToolsOnPath() },
);
