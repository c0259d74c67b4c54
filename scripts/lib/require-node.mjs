import { readFileSync } from 'node:fs';
import { fail } from './console.mjs';
import { inRoot } from './root.mjs';

/** Refuses a Node that is older than package.json's "engines", before anything fails in a way nobody understands. */
export function requireNode() {
  const [, wanted] = /^>=(\d+\.\d+)$/.exec(JSON.parse(readFileSync(inRoot('package.json'), 'utf8')).engines.node) ?? [];
  if (wanted === undefined) fail('package.json: "engines.node" has to read ">=MAJOR.MINOR"');
  const [major, minor] = wanted.split('.').map(Number);
  const [haveMajor, haveMinor] = process.versions.node.split('.').map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return;
  fail(`Node ${wanted} or newer is needed, this is ${process.versions.node} (https://nodejs.org, or: nvm install 24)`);
}
