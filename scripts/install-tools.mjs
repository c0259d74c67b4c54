/** Installs the programs that the tests are run with, into a folder of the user's; see `--help`. */
import { parseArgs } from 'node:util';
import { fail, say } from './lib/console.mjs';
import { ensureRedis } from './lib/ensure-redis.mjs';
import { ensurePackage, ensureTools } from './lib/ensure-tools.mjs';
import { toolCache } from './lib/tool-cache.mjs';
import { GROUPS, GROUPS_THAT_TESTS_NEED, PACKAGES, TOOLS } from './lib/tools.mjs';

const HELP = `Usage: npm run tools -- [--group G,...] [--only NAME,...] [--list]

Builds the programs that the tests are run with (registry clients, S3 servers, the OCI conformance suite),
each at one version, with Go. A program that is there at its version is left alone.

  --group G,...    ${GROUPS.join(', ')} or all; without it: ${GROUPS_THAT_TESTS_NEED.join(', ')} (all that npm test needs)
  --only NAME,...  just these
  --list           what there is, and end
  --help           this text

Folder: ${toolCache()}
        (MERIDIAN_TOOLS, or else XDG_CACHE_HOME, moves it)
redis-server, skopeo and podman come from the system's packages: installed here when root on Debian or Ubuntu. Podman
is optional; docker and containerd are used by the tests where they are there, and never installed.
Without Go it says which tests will fail, and ends with status 0, or with 1 when CI=true.`;

const options = readOptions();
if (options.help) end(HELP);
if (options.list) end(TOOLS.map(describe).join('\n'));

const names = options.only?.split(',');
const missing = [...ensureTools(chosenTools()), ...(await systemPackages())];
if (missing.length > 0) {
  say(`tools: missing: ${missing.join(', ')}`);
  process.exit(process.env.CI === 'true' || toolsWereAskedFor() ? 1 : 0);
}
say(`tools: all there, in ${toolCache()}`);

function readOptions() {
  try {
    return parseArgs({
      options: {
        group: { type: 'string' },
        only: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}

function chosenTools() {
  if (names !== undefined) return names.filter((name) => !isSystemPackage(name)).map(toolNamed);
  const groups = options.group === 'all' ? GROUPS : (options.group?.split(',') ?? GROUPS_THAT_TESTS_NEED);
  const unknown = groups.filter((group) => !GROUPS.includes(group));
  if (unknown.length > 0) fail(`no such group: ${unknown.join(', ')} (${GROUPS.join(', ')}, all)`);
  return TOOLS.filter((tool) => groups.includes(tool.group));
}

function toolNamed(name) {
  return TOOLS.find((tool) => tool.name === name) ?? fail(`no such program: ${name} (see --list)`);
}

/** Tests need them whatever group was chosen; one that is named with --only is meant alone. */
async function systemPackages() {
  if (wants('redis-server')) await ensureRedis();
  return PACKAGES.filter(({ name }) => wants(name)).flatMap(ensurePackage);
}

function wants(name) {
  return names === undefined || names.includes(name);
}

function isSystemPackage(name) {
  return name === 'redis-server' || PACKAGES.some((each) => each.name === name);
}

/** Somebody who names a program wants to know that it is not there. */
function toolsWereAskedFor() {
  return names !== undefined;
}

function describe({ name, group, module, version }) {
  return `${name.padEnd(17)} ${group.padEnd(8)} ${module} ${version}`;
}

function end(text) {
  say(text);
  process.exit(0);
}
