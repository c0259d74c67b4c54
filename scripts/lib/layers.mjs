/**
 * What `npm test` runs, in this order: the quick and telling first.
 *
 * A layer that is `required` and runs no test at all fails: a folder that got lost must not pass for a success.
 * `limitMinutes` only ends what hangs.
 */
export const LAYERS = [
  { name: 'unit', required: true, limitMinutes: 10 },
  { name: 'architecture', required: true, limitMinutes: 5 },
  { name: 'simulation', required: true, limitMinutes: 15 },
  { name: 'contract', required: true, limitMinutes: 15, needsPrograms: true },
  { name: 'model', required: true, limitMinutes: 10, needsPrograms: true },
  { name: 'conformance', required: true, limitMinutes: 10, needsPrograms: true },
  { name: 'clients', required: true, limitMinutes: 15, needsPrograms: true },
  { name: 'e2e', required: true, limitMinutes: 20, needsPrograms: true },
  { name: 'load', required: true, limitMinutes: 10, needsPrograms: true },
  { name: 'nemesis', required: true, limitMinutes: 10, needsPrograms: true },
  // Last, and skipped with a reason where no engine runs or can be started.
  { name: 'compose', required: false, limitMinutes: 20, needsPrograms: true },
];

/** What is checked before any test runs; each counts as one check. `args` are given to Node. */
export const CHECKS = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'lint', args: ['node_modules/@biomejs/biome/bin/biome', 'check', '.'] },
  { name: 'imports', args: ['scripts/lint-imports.mjs'] },
  { name: 'build', args: ['scripts/build.mjs'] },
];
