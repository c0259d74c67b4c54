import { describe, expect, it } from '@jest/globals';
import * as table from '../../scripts/import-rules.mjs';
import { checkImports, type ImportTable } from '../../scripts/lib/check-imports.mjs';
import { readProjectSources } from '../../scripts/lib/project-sources.mjs';

describe('the walls between the modules', () => {
  it('are where the table says', () => {
    expect(checkImports(readProjectSources(), table)).toEqual([]);
  });

  it('are looked for in all the sources', () => {
    const paths = readProjectSources().map(({ path }) => path);
    for (const name of Object.keys(table.LIBS)) expect(paths).toContain(`libs/${name}/src/index.ts`);
    expect(paths).toContain('test/architecture/imports.spec.ts');
  });
});

/** The same table without its exceptions, which are about files that the examples are not. */
const rules: ImportTable = { ...table, EXCEPTIONS: [] };
const check = (path: string, source: string, using: ImportTable = rules) => checkImports([{ path, source }], using);

describe('a wall that is broken is seen', () => {
  it.each([
    ['libs/oci/src/a.ts', "import { ObjectStore } from '#libs/storage';", 'may not be used here'],
    ['libs/oci/src/a.ts', "import type { ObjectStore } from '#libs/storage';", 'may not be used here'],
    ['libs/oci/src/a.ts', "export * from '#libs/storage';", 'may not be used here'],
    ['libs/oci/src/a.ts', "export type { ObjectStore } from '#libs/storage';", 'may not be used here'],
    ['libs/oci/src/a.ts', "const store = await import('#libs/storage');", 'may not be used here'],
    ['libs/oci/src/a.ts', "type Store = import('#libs/storage').ObjectStore;", 'may not be used here'],
    ['libs/oci/src/a.ts', "import {\n  a,\n  type b, // one\n} from\n  '#libs/registry';", 'may not be used here'],
    ['libs/registry/src/a.ts', "import { x } from '#libs/replication';", 'may not be used here'],
    ['libs/journal/src/a.ts', "import { x } from '#libs/journal';", 'inside a lib, imports are relative'],
    ['libs/journal/src/a.ts', "import { x } from '../../oci/src/digest.js';", 'leaves libs/journal/'],
    ['libs/journal/src/a.ts', "import '#libs/oci/digest';", "goes past the lib's index.ts"],
    ['test/e2e/a.spec.ts', "import { x } from '#libs/oci/src/digest.js';", "goes past the lib's index.ts"],
    ['test/e2e/a.spec.ts', "import { x } from '../../libs/oci/src/digest.js';", '#libs/<name>'],
    ['libs/journal/src/a.ts', "import { x } from '#libs/storage/testing';", 'testing is for tests only'],
    ['libs/journal/src/a.ts', "import { x } from './testing/samples.js';", 'testing is for tests only'],
    ['apps/registry/src/main.ts', "import { x } from '../../router/src/app.module.js';", 'leaves apps/registry/'],
    ['libs/registry/src/a.ts', "import { Injectable } from '@nestjs/common';", "'@nestjs/common' may not be used"],
    ['libs/storage/src/a.ts', "import { Agent } from 'undici';", "'undici' may not be used"],
    [
      'apps/registry/src/a.ts',
      "import { S3Client } from '@aws-sdk/client-s3';",
      "'@aws-sdk/client-s3' may not be used",
    ],
    ['libs/control/src/a.ts', "import { Queue } from 'bullmq';", "'bullmq' may not be used"],
    ['libs/oci/src/a.ts', "import fc from 'fast-check';", "'fast-check' may not be used"],
    ['libs/oci/src/a.ts', "import { createHash } from 'crypto';", "say 'node:crypto'"],
    ['libs/oci/src/a.ts', "const fs = require('fs');", "say 'node:fs'"],
    ['libs/unheard/src/a.ts', '', 'libs/unheard is not in'],
    ['apps/unheard/src/main.ts', '', 'apps/unheard is not in'],
    ['libs/storage/src/a.ts', 'const home = process.env.HOME;', 'environment:'],
    ['libs/storage/src/a.ts', 'const { HOME } = process . env;', 'environment:'],
    ['libs/storage/src/a.ts', 'const at = Date.now();', 'time:'],
    ['libs/storage/src/a.ts', 'const at = new Date();', 'time:'],
    ['libs/storage/src/a.ts', `const text = \`at \${Date.now()}\`;`, 'time:'],
    ['libs/storage/src/a.ts', 'setTimeout(() => {}, 5);', 'timers:'],
    ['libs/storage/src/a.ts', 'fetch(url, { signal: AbortSignal.timeout(5) });', 'timers:'],
    ['libs/storage/src/a.ts', "import { setTimeout } from 'node:timers/promises';", 'node timers module:'],
    ['libs/storage/src/a.ts', 'const id = Math.random();', 'random:'],
    ['libs/storage/src/a.ts', "import { randomUUID } from 'node:crypto';", 'random:'],
  ])('%s: %s', (path, source, problem) => {
    expect(check(path, source)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
  });

  it('names the line', () => {
    expect(check('libs/oci/src/a.ts', "\n\nimport '#libs/storage';")[0]).toMatch(/^libs\/oci\/src\/a\.ts:3: /);
  });

  it('is seen in the table too, when it lets a lib reach itself', () => {
    const circular = { ...rules, LIBS: { ...rules.LIBS, oci: { libs: ['storage'], npm: [] } } };
    expect(check('libs/oci/src/a.ts', '', circular)).toContainEqual(expect.stringContaining('oci may reach itself'));
  });

  it('is forgiven by an exception, which is reported when nothing needs it', () => {
    const file = 'libs/storage/src/a.ts';
    const forgiving = { ...rules, EXCEPTIONS: [{ file, rule: 'time', reason: 'an example' }] };
    expect(check(file, 'Date.now();', forgiving)).toEqual([]);
    expect(check(file, '', forgiving)).toEqual([expect.stringContaining('is no longer needed')]);
  });
});

describe('what only looks like a broken wall is left alone', () => {
  it.each([
    ['libs/oci/src/a.ts', "// import { x } from '#libs/storage';"],
    ['libs/oci/src/a.ts', "/* import { x } from '#libs/storage'; */"],
    ['libs/oci/src/a.ts', 'const text = "import x from \'#libs/storage\'";'],
    ['libs/oci/src/a.ts', "const text = `import x from '#libs/storage'`;"],
    ['libs/oci/src/a.ts', "const pattern = /'/; // it's the Date.now() of nobody"],
    ['libs/oci/src/a.ts', "const half = size / 2; const name = 'Math.random()'; const quarter = size / 4;"],
    ['libs/storage/src/a.ts', 'clock.setTimeout(() => {}, 5, signal);'],
    ['libs/storage/src/a.ts', 'const at = new Date(entry.time);'],
    ['libs/storage/src/a.spec.ts', "import { it } from '@jest/globals';\nconst at = Date.now();"],
    ['libs/storage/src/drivers/s3/a.ts', "import { Agent } from 'undici';"],
    ['libs/journal/src/a.spec.ts', "import { memoryStore } from '#libs/storage/testing';"],
    ['libs/resilience/src/clock.ts', 'export const now = () => Date.now();'],
    ['apps/registry/src/main.ts', 'start(process.env);'],
  ])('%s: %s', (path, source) => {
    expect(check(path, source)).toEqual([]);
  });
});
