import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { configSchema } from './config.js';
import { variableOf, variablesOf } from './config-environment.js';
import { shapeOf } from './config-shape.js';

/** `| setting | variable |` */
const DOCUMENTED = /^\| `(?<path>[\w.]+)` \| `(?<variable>MERIDIAN_\w+)` \|/gm;

describe('the variables of the environment', () => {
  it('are those of the documentation, and the other way round', () => {
    const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(DOCUMENTED)].map(({ groups }) => `${groups?.variable} ${groups?.path}`);
    const known = [...variablesOf(shapeOf(configSchema))].map(
      ([variable, { path }]) => `${variable} ${path.join('.')}`,
    );
    expect(documented.sort()).toEqual(known.sort());
  });

  it.each([
    [['region'], 'MERIDIAN_REGION'],
    [['http', 'operatorPort'], 'MERIDIAN_HTTP_OPERATOR_PORT'],
    [['storage', 'reader', 'accessKeyId'], 'MERIDIAN_STORAGE_READER_ACCESS_KEY_ID'],
  ])('of %j is %s', (path, variable) => {
    expect(variableOf(path)).toBe(variable);
  });
});
