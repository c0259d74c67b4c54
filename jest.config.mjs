/**
 * Each layer of the tests is a project of its own, so that one can be run alone:
 *
 *   npm run jest -- libs/oci                       unit specs below one folder
 *   npm run jest -- --selectProjects contract      one layer
 *
 * ESM needs `--experimental-vm-modules`, which `npm run jest` and `npm test` give.
 */

/** Slow layers start real programs and wait for conditions; the limit only ends what hangs. */
const SECOND = 1000;

/**
 * Before Node 24.9 Jest cannot `require` an ES module, which fastify does with these two.
 * They are turned into CommonJS on the way.
 */
const REQUIRED_ES_MODULES = 'cookie|content-disposition';

const shared = {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  // `source` is the condition in package.json's "imports" that leads to the TypeScript sources.
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    [`node_modules/.*(${REQUIRED_ES_MODULES})/.*\\.js$`]: [
      '@swc/jest',
      { swcrc: false, module: { type: 'commonjs' }, jsc: { target: 'es2022' } },
    ],
    '^.+\\.ts$': '@swc/jest',
  },
  transformIgnorePatterns: [`/node_modules/(?!.*(${REQUIRED_ES_MODULES})/)`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.meridian/'],
};

const layer = (displayName, timeoutMs, testMatch) => ({
  ...shared,
  displayName,
  globals: { LAYER_TIMEOUT_MS: timeoutMs },
  setupFilesAfterEnv: ['<rootDir>/test/support/layer-timeout.mjs'],
  testMatch,
});

export default {
  // Every process of the heavier layers starts programs of its own: more workers only make them wait.
  maxWorkers: 2,
  projects: [
    layer('unit', 60 * SECOND, [
      ...['<rootDir>/libs/**/*.spec.ts', '<rootDir>/apps/**/*.spec.ts'],
      ...['<rootDir>/test/bench/**/*.spec.ts', '<rootDir>/test/checkers/**/*.spec.ts'],
      ...['<rootDir>/test/load/verdict.spec.ts', '<rootDir>/test/load/slope.spec.ts'],
    ]),
    layer('architecture', 30 * SECOND, ['<rootDir>/test/architecture/**/*.spec.ts']),
    layer('contract', 60 * SECOND, ['<rootDir>/test/contract/**/*.spec.ts']),
    layer('simulation', 120 * SECOND, ['<rootDir>/test/simulation/**/*.spec.ts']),
    layer('model', 120 * SECOND, ['<rootDir>/test/model/**/*.spec.ts']),
    layer('conformance', 180 * SECOND, ['<rootDir>/test/conformance/**/*.spec.ts']),
    layer('clients', 180 * SECOND, ['<rootDir>/test/clients/**/*.spec.ts']),
    layer('e2e', 120 * SECOND, ['<rootDir>/test/e2e/**/*.spec.ts']),
    layer('load', 120 * SECOND, ['<rootDir>/test/load/load.spec.ts']),
    layer('nemesis', 180 * SECOND, ['<rootDir>/test/nemesis/**/*.spec.ts']),
    layer('compose', 120 * SECOND, ['<rootDir>/test/compose/**/*.spec.ts']),
  ],
};
