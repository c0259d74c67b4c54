/** `npm run bench`: makes sure of everything that is compared, and runs test/bench; see `--help`. */
import { spawn } from 'node:child_process';
import { ensureBuild } from './lib/ensure-build.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { ensureTools } from './lib/ensure-tools.mjs';
import { requireNode } from './lib/require-node.mjs';
import { inRoot, ROOT } from './lib/root.mjs';
import { withToolsOnPath } from './lib/tool-cache.mjs';
import { TOOLS } from './lib/tools.mjs';

/** Replication is compared with the line that it goes over. */
const COMPARED_WITH = process.argv.includes('replication') ? [] : ['minio', 'registry', 'olareg'];

// What is prepared here says so on standard error: standard output is for the result.
process.stdout.write = process.stderr.write.bind(process.stderr);
requireNode();
ensureModules();
if (!process.argv.some((argument) => ['--help', '-h', '--list'].includes(argument))) {
  await ensureRedis();
  ensureTools(TOOLS.filter(({ name }) => COMPARED_WITH.includes(name)));
  ensureBuild();
}

const hooks = inRoot('scripts', 'lib', 'typescript-hooks.mjs');
const child = spawn(
  process.execPath,
  [
    ...['--conditions=source', '--enable-source-maps', '--no-warnings', '--import', hooks],
    ...[inRoot('test', 'bench', 'command.ts'), ...process.argv.slice(2)],
  ],
  { cwd: ROOT, stdio: 'inherit', env: withToolsOnPath() },
);
// A terminal interrupts both; whoever interrupts this one alone means the other as well.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
