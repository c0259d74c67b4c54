/**
 * `npm start`: a whole cluster on this machine. Installs and builds what is missing, then hands everything
 * (arguments, signals, exit status) to the simulator. `npm start -- --help` lists what it can do.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fail } from './lib/console.mjs';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot } from './lib/root.mjs';
import { withToolsOnPath } from './lib/tool-cache.mjs';

const args = process.argv.slice(2);
const onlyHelp = args.includes('--help') || args.includes('-h');

requireNode();
ensureModules();
ensureBuild();
if (!onlyHelp) await ensureRedis({ docker: true });

const simulator = spawn(process.execPath, [inRoot('dist', 'apps', 'simulator', 'src', 'main.js'), ...args], {
  stdio: 'inherit',
  env: withToolsOnPath(),
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Ctrl-C in a terminal reaches the simulator directly. Twice would be taken for impatience.
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    simulator.kill(signal);
  });
}

simulator.on('error', (error) => fail(`the simulator did not start: ${error.message}`));
simulator.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
