/** Lets Node run the sources as they are, for commands that need no build: `node --import ./scripts/lib/typescript-hooks.mjs`. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

const options = JSON.parse(await readFile(new URL('../../.swcrc', import.meta.url), 'utf8'));

/** Relative imports name the `.js` that a build would make of the `.ts` beside them. */
export async function resolve(specifier, context, next) {
  const fromSource = context.parentURL?.endsWith('.ts') === true;
  if (fromSource && specifier.startsWith('.') && specifier.endsWith('.js')) {
    return next(specifier.replace(/\.js$/, '.ts'), context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const source = await readFile(filename, 'utf8');
  const { code } = await transform(source, { ...options, swcrc: false, filename, sourceMaps: 'inline' });
  return { format: 'module', source: code, shortCircuit: true };
}
