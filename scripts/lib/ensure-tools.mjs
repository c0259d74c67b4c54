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

/** skopeo is written in Go too, but needs C libraries to build; distributions have it. */
export function ensureSkopeo() {
  if (findTool('skopeo') !== undefined) return [];
  if (!canInstallPackages()) {
    warn(
      'skopeo: not found, the clients tests need it (macOS: brew install skopeo · Debian: sudo apt-get install skopeo)',
    );
    return ['skopeo'];
  }
  const startedMs = Date.now();
  say('skopeo: installing (apt-get) ...');
  const problem = installPackage('skopeo');
  if (problem === undefined) say(`skopeo: installed in ${secondsSince(startedMs)}`);
  else warn(`skopeo: apt-get failed: ${tail(problem, 3)}`);
  return problem === undefined ? [] : ['skopeo'];
}
