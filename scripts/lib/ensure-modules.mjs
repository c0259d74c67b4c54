import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail, say, secondsSince } from './console.mjs';
import { inRoot } from './root.mjs';
import { runQuietly } from './run.mjs';

/** Installs the npm packages when they are missing or are not those of package-lock.json. */
export function ensureModules() {
  if (installedMatchesLock()) return;
  const startedMs = Date.now();
  say('npm packages: installing (npm ci) ...');
  // No install script of a package runs: none is needed, and none is trusted. The build needs the development packages.
  const [command, ...first] = npm();
  const result = runQuietly(command, [...first, 'ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund']);
  if (!result.ok) fail(`npm ci failed:\n${reasonIn(result.output)}`);
  say(`npm packages: installed in ${secondsSince(startedMs)}`);
}

/** npm says first what went wrong, and then how it is used; warnings about other Nodes do not matter here. */
const reasonIn = (output) =>
  output
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('npm warn'))
    .slice(0, 12)
    .join('\n');

/**
 * npm itself writes what it installed to node_modules/.package-lock.json, as its last step. Optional packages
 * differ from platform to platform and are not compared.
 */
function installedMatchesLock() {
  const stamp = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(stamp)) return false;
  const installed = packagesOf(stamp);
  return Object.entries(packagesOf(inRoot('package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

const packagesOf = (path) => JSON.parse(readFileSync(path, 'utf8')).packages ?? {};

/** The npm that started this script, or the one that came with this Node, or the one on PATH. */
function npm() {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const script = [process.env.npm_execpath, beside].find((path) => path?.endsWith('npm-cli.js') && existsSync(path));
  return script === undefined ? ['npm'] : [process.execPath, script];
}
