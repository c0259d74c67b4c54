import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, ROOT } from './root.mjs';

/** The project's TypeScript: `[{ path, source }]`, with paths from the root and `/` in them. */
export function readProjectSources() {
  return ['apps', 'libs', 'test']
    .filter((folder) => existsSync(inRoot(folder)))
    .flatMap((folder) => readdirSync(inRoot(folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
    .map((path) => ({ path: path.slice(ROOT.length + 1).replaceAll('\\', '/'), source: readFileSync(path, 'utf8') }));
}
