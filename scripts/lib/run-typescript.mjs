import { ensureBuild } from './ensure-build.mjs';
import { ensureModules } from './ensure-modules.mjs';
import { requireNode } from './require-node.mjs';
import { inRoot } from './root.mjs';
import { run } from './run.mjs';
import { withToolsOnPath } from './tool-cache.mjs';

/** Builds what the programs are started from, and runs a command of `test/` with the arguments of this process. */
export function runTypescript(...path) {
  const args = process.argv.slice(2);
  requireNode();
  ensureModules();
  if (!args.includes('--help') && !args.includes('-h')) ensureBuild();
  return run(
    process.execPath,
    [
      ...['--conditions=source', '--enable-source-maps', '--no-warnings'],
      ...['--import', './scripts/lib/typescript-hooks.mjs', inRoot(...path), ...args],
    ],
    { env: withToolsOnPath() },
  );
}
