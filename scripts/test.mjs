/** `npm test`: everything that has to hold, layer by layer; see `--help`. */
import { parseArgs } from 'node:util';
import { fail, say } from './lib/console.mjs';
import { ensureModules } from './lib/ensure-modules.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { ensurePackage, ensureTools } from './lib/ensure-tools.mjs';
import { CHECKS, LAYERS } from './lib/layers.mjs';
import { requireNode } from './lib/require-node.mjs';
import { runCheck, runLayer } from './lib/run-layer.mjs';
import { GROUPS_THAT_TESTS_NEED, PACKAGES, TOOLS } from './lib/tools.mjs';

const NAMES = [...CHECKS, ...LAYERS].map(({ name }) => name);

const HELP = `Usage: npm test [-- --only NAME,...]

Installs what is missing (npm packages, redis-server, test programs), then runs, in this order:
  ${NAMES.join(', ')}

  --only NAME,...  just these (the build runs too when a layer starts programs)
  --help           this text

A single folder or file: npm run jest -- libs/oci
The last line reads "N passed, N failed"; the exit status is 0 only when nothing failed.`;

const wanted = readWanted();
const layers = LAYERS.filter(({ name }) => wanted.includes(name));
const startsPrograms = layers.some(({ needsPrograms }) => needsPrograms);
const checks = CHECKS.filter(({ name }) => wanted.includes(name) || (name === 'build' && startsPrograms));

requireNode();
ensureModules();
if (startsPrograms) await ensurePrograms();

const results = [];
for (const check of checks) await record(check.name, () => runCheck(check));
for (const layer of layers) await record(layer.name, () => runLayer(layer));
report();

function readWanted() {
  const options = readOptions();
  if (options.help) {
    say(HELP);
    process.exit(0);
  }
  const names = options.only?.split(',') ?? NAMES;
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) fail(`no such layer: ${unknown.join(', ')}\n\n${HELP}`);
  return names;
}

function readOptions() {
  try {
    return parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}

/** What cannot be had is named now; the tests that need it say so once more, and fail. */
async function ensurePrograms() {
  await ensureRedis();
  ensureTools(TOOLS.filter(({ group }) => GROUPS_THAT_TESTS_NEED.includes(group)));
  for (const each of PACKAGES) ensurePackage(each);
}

async function record(name, action) {
  say(`\n--- ${name}`);
  results.push(await action());
}

function report() {
  const row = (name, ...rest) =>
    say(`${name.padEnd(14)}${rest.map((cell) => String(cell).padStart(9)).join('')}`.trimEnd());
  say('');
  row('layer', 'passed', 'failed', 'skipped', 'seconds');
  for (const { name, passed, failed, skipped, seconds, note } of results) {
    row(name, passed, failed, skipped, seconds.toFixed(1), note === '' ? '' : `  ${note}`);
  }
  const sum = (key) => results.reduce((total, each) => total + each[key], 0);
  say(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}
