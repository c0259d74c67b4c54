/** Brings docker-compose.yml up from nothing, uses it as people do, breaks a part of it, and takes it away; see `--help`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as check from './lib/compose-checks.mjs';
import { allVolumes, ComposeProject, docker, dockerWithInput } from './lib/compose-project.mjs';
import { fail, say, secondsSince, warn } from './lib/console.mjs';
import { inRoot } from './lib/root.mjs';
import { run } from './lib/run.mjs';

const HELP = `Usage: npm run test:compose -- [--required] [--keep]

  --required   fail where there is no Docker engine, or no compose; without it that is said, and no failure
  --keep       leave everything running; take it away with: docker compose -p meridian-test down -v
  --help       this text`;

const WAIT_SECONDS = 300;
const STOP_LIMIT_MS = 12_000;
const IMAGE_BYTES = 8 * 1024 * 1024;
const REPOSITORY = 'test/compose';
const IMAGE = `${check.ROUTER}/${REPOSITORY}`;
const PROCESSES = check.REGIONS.flatMap(({ name }) => [`${name}-registry`, `${name}-replicator`]).concat('router');

const { values: options } = parseArgs({
  options: { required: { type: 'boolean' }, keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});
if (options.help) {
  say(HELP);
  process.exit(0);
}
const missing = ComposeProject.whatIsMissing();
if (missing !== undefined) {
  if (options.required) fail(`compose: ${missing}`);
  say(`compose: not tested: ${missing}`);
  process.exit(0);
}

const project = new ComposeProject('meridian-test');
const volumesBefore = new Set(allVolumes());
let failed = false;
try {
  await step('secrets', () => assert.equal(run(process.execPath, [inRoot('scripts', 'compose-secrets.mjs')]), 0));
  await step('up, with an image built', () => up());
  await step('the image holds what it needs, and runs as nobody', imageIsLean);
  await step('the same input makes the same layers', layersAreTheSame);
  await step('push through the router', () => push('1'));
  await step('present everywhere', () => check.waitUntilEverywhere(REPOSITORY, '1'));
  for (const region of check.REGIONS) {
    await step(`pull from ${region.name}, bytes from its store`, () => check.pullFrom(region, REPOSITORY, '1'));
  }
  await step('pull through the router', () => pull('1'));
  await step("the reader's key opens nothing but data", readerIsPoor);
  await step('two registries in westeurope, both used', scale);
  await step('a region without replicator is seen to fall behind, and catches up', fallBehind);
  await step('clients of a region without its store are sent elsewhere, and home again', loseStore);
  await step('pullers in each region pull, also while lines break (profiles client and chaos)', pullUnderChaos);
  await step('every query of the dashboards finds series', dashboards);
  await step('alert rules', promtool);
  await step('stop, in order and in time', stop);
} catch (error) {
  failed = true;
  warn(`compose: ${error.message}`);
  for (const line of project.unwell()) warn(`compose: ${line}`);
}
if (!options.keep) {
  await step('down -v leaves nothing', down).catch((error) => {
    failed = true;
    warn(`compose: ${error.message}`);
  });
}
process.exit(failed ? 1 : 0);

async function step(name, action) {
  const startedMs = Date.now();
  try {
    await action();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
  say(`compose: ${name} (${secondsSince(startedMs)})`);
}

function up(...args) {
  project.compose('up', '-d', '--build', '--wait', '--wait-timeout', String(WAIT_SECONDS), ...args);
}

function imageIsLean() {
  const inImage = (script) => project.exec('eastus-registry', ['sh', '-c', script]).output.trim();
  assert.equal(inImage('ls -A /app | xargs'), 'LICENSE dist node_modules package.json');
  assert.equal(inImage('ls -A /app/dist/apps | xargs'), 'cli registry replicator router');
  assert.equal(inImage("find /app/dist -name '*.spec.*' -o -name '*.ts' -o -name '*.map' -o -name testing"), '');
  assert.equal(inImage('ls /app/node_modules | grep -E "^(typescript|jest|fast-check)$"'), '');
  const secrets =
    "-name '.npmrc' -o -name '.env*' -o -name '*.key' -o -name 'id_*' -o -name cluster-key -o -name .git -o -name .meridian";
  assert.equal(inImage(`find /app /spool ${secrets}`), '');
  assert.equal(project.exec('eastus-registry', ['id', '-u']).output.trim(), '1000');
  assert.equal(
    project.exec('eastus-registry', ['touch', '/app/x']).ok,
    false,
    'the root file system can be written to',
  );
}

/** Nothing of the build's time, order or cache may be in a layer. */
function layersAreTheSame() {
  const layers = () => docker('image', 'inspect', '--format', '{{json .RootFS.Layers}}', 'meridian:local').trim();
  const before = layers();
  project.compose('build', '--no-cache', 'eastus-registry');
  assert.equal(layers(), before);
}

async function pullUnderChaos() {
  const clients = check.REGIONS.map(({ name }) => `${name}-client`);
  process.env.REST_MS = '1000';
  process.env.LONGEST_MS = '4000';
  project.compose('--profile', 'client', '--profile', 'chaos', 'up', '-d', '--no-deps', ...clients, 'chaos');
  const logs = (service) => project.compose('--profile', '*', 'logs', '--no-log-prefix', service);
  for (const client of clients) {
    await check.until(`${client} has pulled`, 60, () => /^[1-9]\d* pulls, [1-9]/m.test(logs(client)));
    assert.doesNotMatch(logs(client), /has the bytes of/);
  }
  await check.until('a line was broken and healed', 60, () => /whole again/.test(logs('chaos')));
  project.compose('--profile', '*', 'stop', ...clients, 'chaos');
  assert.doesNotMatch(logs('chaos'), /not broken/);
  assert.deepEqual([...new Set([...clients, 'chaos'].flatMap((service) => project.exitCodes(service)))], [0]);
}

function push(tag) {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-compose-'));
  try {
    writeFileSync(join(folder, 'bytes'), randomBytes(IMAGE_BYTES));
    const tar = spawnSync('tar', ['-C', folder, '-c', 'bytes'], { maxBuffer: 2 * IMAGE_BYTES });
    dockerWithInput(tar.stdout, 'import', '-', `${IMAGE}:${tag}`);
    docker('push', '-q', `${IMAGE}:${tag}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pull(tag) {
  docker('rmi', `${IMAGE}:${tag}`);
  docker('pull', '-q', `${IMAGE}:${tag}`);
  docker('rmi', `${IMAGE}:${tag}`);
}

function readerIsPoor() {
  const asReader = (command) => {
    const key = 'MC_HOST_store=http://meridian-eastus-reader:$(cat /run/secrets/s3-reader)@eastus-minio:9000';
    const script = `export ${key}; ${command}`;
    return project.runOnce('eastus-minio-init', script);
  };
  assert.match(asReader('mc ls store/meridian-eastus/'), /Access Denied/);
  assert.match(asReader('mc cat store/meridian-eastus/state/progress!'), /Insufficient permissions|Access Denied/);
  assert.match(asReader('echo x | mc pipe store/meridian-eastus/data/x'), /Insufficient permissions|Access Denied/);
}

async function scale() {
  up('--scale', 'westeurope-registry=2', '--no-recreate');
  const before = [1, 2].map((index) => check.requestsAnswered(project, 'westeurope-registry', index));
  const [, { url }] = check.REGIONS;
  for (let request = 0; request < 40; request += 1) {
    const answer = await fetch(`${url}/v2/`, { headers: { connection: 'close' } });
    assert.equal(answer.status, 200);
  }
  const after = [1, 2].map((index) => check.requestsAnswered(project, 'westeurope-registry', index));
  for (const [i, count] of after.entries()) {
    assert.ok(count > (before[i] ?? 0), `registry ${i + 1} of westeurope answered nobody`);
  }
}

async function fallBehind() {
  const behind = queryOf('Changes behind');
  const silence = queryOf('Last heard of');
  project.compose('stop', 'westeurope-replicator');
  push('2');
  const lags = async () => ((await check.byRegion(behind)).get('westeurope') ?? 0) >= 1;
  await check.until('westeurope lacks a change', 30, lags);
  const first = (await check.byRegion(silence)).get('westeurope') ?? 0;
  const grows = async () => ((await check.byRegion(silence)).get('westeurope') ?? 0) > first + 5;
  await check.until('the silence of westeurope grows', 30, grows);
  project.compose('start', 'westeurope-replicator');
  await check.waitUntilEverywhere(REPOSITORY, '2');
  await check.until('Prometheus sees that westeurope has caught up', 30, async () => !(await lags()));
  docker('rmi', `${IMAGE}:2`);
}

async function loseStore() {
  const [eastus, westeurope] = check.REGIONS;
  const servedBy = async ({ url }) => (await check.regionThatServes('westeurope', REPOSITORY, '1')) === url;
  assert.ok(await servedBy(westeurope), 'clients in westeurope were not served there to begin with');
  project.compose('stop', 'westeurope-minio');
  await check.until('clients in westeurope are sent to the next region', 10, () => servedBy(eastus));
  project.compose('start', 'westeurope-minio');
  await check.until('clients in westeurope are served there again', 30, () => servedBy(westeurope));
}

function queryOf(panel) {
  const found = check.dashboardQueries().find((query) => query.panel === `Replication / ${panel}`);
  assert.ok(found, `the dashboard has no panel "${panel}"`);
  return found.expression;
}

async function dashboards() {
  // Rates need two samples of what happened.
  let silent = [];
  await check
    .until('all queries find series', 30, async () => {
      silent = await check.queriesWithoutSeries();
      return silent.length === 0;
    })
    .catch(() => assert.deepEqual(silent, []));
}

function promtool() {
  const { ok, output } = project.exec('prometheus', ['promtool', 'test', 'rules', '/etc/prometheus/rules.test.yml']);
  assert.ok(ok, output);
}

function stop() {
  const startedMs = Date.now();
  project.compose('stop', ...PROCESSES);
  assert.ok(Date.now() - startedMs < STOP_LIMIT_MS, `it took ${secondsSince(startedMs)}`);
  for (const service of PROCESSES) {
    assert.deepEqual([...new Set(project.exitCodes(service))], [0], `${service} ended badly`);
  }
}

function down() {
  project.compose('--profile', '*', 'down', '-v', '--remove-orphans');
  assert.deepEqual(project.leftovers(), []);
  assert.deepEqual(
    allVolumes().filter((name) => !volumesBefore.has(name)),
    [],
    'volumes that nobody named',
  );
}
