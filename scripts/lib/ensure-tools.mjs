import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { canInstallPackages, installPackage } from './apt.mjs';
import { buildTool, builtVersion } from './build-tool.mjs';
import { say, secondsSince, warn } from './console.mjs';
import { runQuietly, tail } from './run.mjs';
import { findTool, toolCache } from './tool-cache.mjs';

/** Builds the tools that are missing or at another version, one after the other. Returns the names of those that cannot be had. */
export function ensureTools(tools) {
  const hasGo = runQuietly('go', ['version']).ok;
  const missing = tools.filter((tool) => !isPresent(tool, hasGo));
  if (missing.length === 0) return [];
  if (!hasGo) return withoutGo(missing);
  return missing.filter((tool) => !built(tool)).map((tool) => tool.name);
}

/** Without Go a version cannot be read: whatever program of that name there is has to do. */
function isPresent(tool, hasGo) {
  if (!hasGo) return findTool(tool.name) !== undefined;
  const path = join(toolCache(), tool.name);
  return existsSync(path) && builtVersion(path, tool.module) === tool.version;
}

function built(tool) {
  const startedMs = Date.now();
  say(`${tool.name} ${tool.version}: building ...${tool.slow ? ' (minutes on a small machine, once per user)' : ''}`);
  const problem = buildTool(tool, toolCache());
  if (problem === undefined) say(`${tool.name} ${tool.version}: built in ${secondsSince(startedMs)}`);
  else warn(`${tool.name} ${tool.version}: could not be built\n${problem}`);
  return problem === undefined;
}

function withoutGo(missing) {
  warn('');
  warn('=== Go was not found: these programs cannot be built, and the tests that need them will FAIL ===');
  for (const { name, neededBy } of missing)
    warn(`  ${name.padEnd(12)} needed by: ${neededBy ?? 'nothing in npm test'}`);
  warn('Install Go (https://go.dev/dl, macOS: brew install go), then run: npm run tools');
  warn('');
  return missing.map((tool) => tool.name);
}

/** Installs a package of the system's whose program is missing. Returns the names of those that cannot be had and must be. */
export function ensurePackage({ name, neededBy, optional = false }) {
  if (findTool(name) !== undefined) return [];
  const lacking = optional ? [] : [name];
  if (!canInstallPackages()) {
    const lack = optional ? 'not found; it will not be run' : 'not found';
    warn(
      `${name}: ${lack}: needed by ${neededBy} (macOS: brew install ${name} · Debian: sudo apt-get install ${name})`,
    );
    return lacking;
  }
  const startedMs = Date.now();
  say(`${name}: installing (apt-get), for ${neededBy} ...`);
  const problem = installPackage(name);
  if (problem === undefined) say(`${name}: installed in ${secondsSince(startedMs)}`);
  else warn(`${name}: apt-get failed: ${tail(problem, 3)}`);
  return problem === undefined ? [] : lacking;
}
