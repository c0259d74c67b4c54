/**
 * Who may use what. `npm run lint` and test/architecture execute this table; where a wall stands wrong, it is
 * moved here, in the same commit as the code, and nowhere else.
 *
 * The direction: {oci, resilience} <- {storage, geo} <- journal <- {peer, registry} <- replication
 *                <- {queue, control, http, platform} <- apps
 */

const CORE = ['oci', 'resilience'];
const BELOW_REPLICATION = [...CORE, 'storage', 'geo', 'journal', 'peer', 'registry'];
const ALL = [...BELOW_REPLICATION, 'replication', 'queue', 'control', 'http', 'platform'];

/** `libs`: other libs of which index.ts (and, from tests, testing/index.ts) may be imported. `npm`: packages. */
export const LIBS = {
  oci: { libs: [], npm: [] },
  resilience: { libs: [], npm: [] },
  storage: { libs: CORE, npm: [] },
  geo: { libs: CORE, npm: [] },
  journal: { libs: [...CORE, 'storage', 'geo'], npm: [] },
  peer: { libs: [...CORE, 'storage', 'geo', 'journal'], npm: ['undici', 'zod'] },
  registry: { libs: [...CORE, 'storage', 'geo', 'journal'], npm: ['lru-cache'] },
  replication: { libs: BELOW_REPLICATION, npm: ['lru-cache'] },
  queue: {
    libs: [...BELOW_REPLICATION, 'replication'],
    npm: ['@nestjs/common', 'bullmq', 'ioredis', 'reflect-metadata'],
  },
  control: {
    libs: [...CORE, 'geo', 'journal', 'peer'],
    npm: ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'ioredis', 'reflect-metadata', 'rxjs', 'zod'],
  },
  http: {
    libs: [...BELOW_REPLICATION, 'replication', 'control', 'platform'],
    npm: [
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/platform-fastify',
      'fastify',
      'pino',
      'reflect-metadata',
      'undici',
    ],
  },
  platform: {
    libs: [...CORE, 'geo', 'storage'],
    npm: [
      ...['@nestjs/common', '@nestjs/core', '@nestjs/platform-fastify', 'fastify'],
      ...['ioredis', 'pino', 'prom-client', 'reflect-metadata', 'zod'],
    ],
  },
};

/** Apps put things together: they may use every lib, and import nothing of each other. */
export const APPS = {
  libs: ALL,
  npm: [
    ...['@nestjs/common', '@nestjs/core', '@nestjs/microservices', '@nestjs/platform-fastify', 'fastify'],
    ...['bullmq', 'ioredis', 'pino', 'prom-client', 'reflect-metadata', 'rxjs', 'undici', 'zod'],
  ],
  names: ['cli', 'console', 'registry', 'replicator', 'router', 'simulator'],
};

/** Packages that one folder needs and its lib has no other use for. */
export const NPM_ONLY_IN = [{ folder: 'libs/storage/src/drivers/s3', npm: ['undici'] }];

/** What tests may use besides what the code beside them may. */
export const TEST_NPM = ['@jest/globals', 'fast-check', '@nestjs/testing'];

/**
 * Things that are in the language and still not free to use. `pattern` is looked for in code without comments and
 * without the contents of strings. Tests are free of them all.
 */
export const FORBIDDEN = [
  {
    rule: 'environment',
    pattern: /\bprocess\s*\.\s*env\b/,
    allowed: /^(apps\/[^/]+\/src\/main\.ts|apps\/simulator\/|libs\/platform\/src\/config)/,
    why: 'configuration is read once, in main.ts, and passed down',
  },
  {
    rule: 'time',
    pattern: /\b(Date\s*\.\s*now|performance\s*\.\s*now|process\s*\.\s*hrtime)\b|\bnew\s+Date\s*\(\s*\)/,
    allowed: /^libs\/resilience\//,
    why: 'take a Clock (libs/resilience): a whole cluster runs on simulated time',
  },
  {
    rule: 'timers',
    pattern: /(?<![\w.#])(setTimeout|setInterval)\s*\(|\bAbortSignal\s*\.\s*timeout\b/,
    allowed: /^libs\/resilience\//,
    why: 'take a Clock (libs/resilience): a whole cluster runs on simulated time',
  },
  {
    rule: 'random',
    pattern: /\b(Math\s*\.\s*random|randomUUID|randomBytes|randomInt)\b/,
    allowed: /^libs\/resilience\//,
    why: 'take a Random (libs/resilience): a failing run is repeated from its seed',
  },
  {
    rule: 'node timers module',
    imports: /^node:timers(\/promises)?$/,
    allowed: /^libs\/resilience\//,
    why: 'take a Clock (libs/resilience): a whole cluster runs on simulated time',
  },
];

/** Places that break a rule of FORBIDDEN for a reason. One that is no longer needed is reported too. */
export const EXCEPTIONS = [
  {
    file: 'libs/storage/src/drivers/filesystem/key-directory.ts',
    rule: 'node timers module',
    reason: 'setImmediate lets other work in between two looks at a directory; no time is waited for',
  },
];
