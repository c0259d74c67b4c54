import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fail } from './console.mjs';
import { ensureBuild } from './ensure-build.mjs';
import { ensureModules } from './ensure-modules.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { requireNode } from './require-node.mjs';
import { inRoot } from './root.mjs';
import { withToolsOnPath } from './tool-cache.mjs';

/** Installs and builds what is missing, then hands everything (arguments, signals, exit status) to a program of the simulator. */
export async function runSimulator(...program) {
  const args = process.argv.slice(2);
  const onlyHelp = args.includes('--help') || args.includes('-h');
  // A cluster that runs has its own.
  const needsRedis = !args.some((arg) => /^--(against|router)(=|$)/.test(arg));
  requireNode();
  ensureModules();
  ensureBuild();
  if (!onlyHelp && needsRedis) await ensureRedis({ docker: true });

  const simulator = spawn(process.execPath, [inRoot('dist', 'apps', 'simulator', 'src', ...program), ...args], {
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
}
