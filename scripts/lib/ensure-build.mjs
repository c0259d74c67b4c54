import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail, say, secondsSince } from './console.mjs';
import { inRoot } from './root.mjs';
import { runQuietly } from './run.mjs';

const STAMP = inRoot('dist', '.sources');
const BUNDLE = inRoot('scripts', 'bundle.mjs');

/** Compiles to dist/ when the sources are not the ones that dist/ was made from, and `tell`s so. */
export function ensureBuild(tell = say) {
  const sources = listSources();
  const wanted = fingerprint(sources);
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  const startedMs = Date.now();
  build(inRoot('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
  copyAssets(sources);
  build(BUNDLE);
  writeFileSync(STAMP, wanted);
  tell(`build: dist/ made in ${secondsSince(startedMs)}`);
}

function build(script, ...args) {
  const result = runQuietly(process.execPath, [script, ...args]);
  if (!result.ok) fail(`the build failed:\n${result.output.trimEnd()}`);
}

/** Everything below apps/ and libs/ that ends up in dist/, in a fixed order. */
function listSources() {
  return ['apps', 'libs']
    .flatMap((folder) => readdirSync(inRoot(folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Contents, not times: a checkout or a copy changes times without changing anything. */
function fingerprint(sources) {
  const digest = createHash('sha256');
  for (const path of [
    inRoot('tsconfig.base.json'),
    inRoot('tsconfig.build.json'),
    inRoot('package-lock.json'),
    BUNDLE,
    ...sources,
  ]) {
    digest.update(path).update('\0').update(readFileSync(path));
  }
  return digest.digest('hex');
}

/** The compiler moves TypeScript only; pages, styles and scripts are copied beside it. */
function copyAssets(sources) {
  for (const path of sources.filter((source) => !source.endsWith('.ts') && !source.endsWith('.md'))) {
    const target = inRoot('dist', path.slice(inRoot().length + 1));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(path, target);
  }
}
