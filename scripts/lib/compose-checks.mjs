import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot } from './root.mjs';

export const ROUTER = 'localhost:8100';
export const PRIMARY_ADMIN = 'http://127.0.0.1:8111';
export const PROMETHEUS = 'http://127.0.0.1:8130';
export const REGIONS = [
  { name: 'eastus', url: 'http://localhost:8101', store: 'http://localhost:8121' },
  { name: 'westeurope', url: 'http://localhost:8102', store: 'http://localhost:8122' },
  { name: 'southeastasia', url: 'http://localhost:8103', store: 'http://localhost:8123' },
];
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
const LOOK_EVERY_MS = 500;
/** Blobs up to this size are in their record, and served by the registry itself. */
const KEPT_IN_RECORD_BYTES = 64 * 1024;

/** Asks the primary until the image is in all regions. */
export async function waitUntilEverywhere(repository, reference) {
  const query = new URLSearchParams({ repository, reference, timeoutSeconds: '120' });
  const answer = await fetch(`${PRIMARY_ADMIN}/admin/v1/wait?${query}`);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const { regions } = JSON.parse(text);
  assert.deepEqual(regions.map(({ region, state }) => `${region} ${state}`).sort(), everyRegion('present'));
}

/** Pulls the image from one region as a client does: the bytes must come from that region's store, by the reader's key. */
export async function pullFrom({ name, url, store }, repository, reference) {
  const manifest = await getManifest(url, repository, reference);
  const blobs = [manifest.config, ...manifest.layers];
  for (const { digest, size } of blobs) {
    const answer = await fetch(`${url}/v2/${repository}/blobs/${digest}`, { redirect: 'manual' });
    if (size <= KEPT_IN_RECORD_BYTES) {
      assert.equal(await digestOf(answer), digest, `${name} sent other bytes`);
      continue;
    }
    assert.equal(answer.status, 307, `${name} streams ${digest} itself`);
    const location = new URL(answer.headers.get('location') ?? '');
    assert.equal(location.origin, store);
    assert.match(location.searchParams.get('X-Amz-Credential') ?? '', new RegExp(`^meridian-${name}-reader/`));
    assert.equal(await digestOf(await fetch(location)), digest, `${name} sent other bytes`);
  }
  return blobs.length;
}

/** Where the router sends a client that is in the region: the origin of a registry. */
export async function regionThatServes(client, repository, reference) {
  const headers = { accept: MANIFEST_TYPES, 'x-meridian-region': client };
  const url = `http://${ROUTER}/v2/${repository}/manifests/${reference}`;
  const answer = await fetch(url, { headers, redirect: 'manual' });
  assert.equal(answer.status, 307, await answer.text());
  return new URL(answer.headers.get('location') ?? '').origin;
}

async function getManifest(url, repository, reference) {
  const headers = { accept: MANIFEST_TYPES };
  const answer = await fetch(`${url}/v2/${repository}/manifests/${reference}`, { headers });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.equal(
    `sha256:${createHash('sha256').update(text).digest('hex')}`,
    answer.headers.get('docker-content-digest'),
  );
  return JSON.parse(text);
}

async function digestOf(answer) {
  assert.equal(answer.status, 200, `the store answered ${answer.status}`);
  const hash = createHash('sha256');
  for await (const chunk of answer.body ?? []) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** How many requests of clients a registry's process has answered. */
export function requestsAnswered(project, service, index) {
  const program = "fetch('http://127.0.0.1:5001/metrics').then(async (page) => console.log(await page.text()))";
  const { ok, output } = project.exec(service, ['node', '-e', program], { index });
  assert.ok(ok, output);
  const ours = output.split('\n').filter((line) => line.startsWith('meridian_http_requests_total{route="/v2/"'));
  return ours.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** The value for each region, as Prometheus knows it now. */
export async function byRegion(expression) {
  const samples = await query(expression);
  return new Map(samples.map(({ metric, value }) => [metric.region, Number(value[1])]));
}

/** Every query of every dashboard must find something: a metric's name that is misspelt finds nothing. */
export async function queriesWithoutSeries() {
  const silent = [];
  for (const { panel, expression } of dashboardQueries()) {
    const samples = await query(expression.replaceAll('$__rate_interval', '5m'));
    if (samples.length === 0) silent.push(`${panel}: ${expression}`);
  }
  return silent;
}

export function dashboardQueries() {
  const directory = inRoot('deploy', 'grafana', 'dashboards');
  return readdirSync(directory).flatMap((file) => {
    const { title, panels } = JSON.parse(readFileSync(`${directory}/${file}`, 'utf8'));
    return panels.flatMap((panel) =>
      panel.targets.map(({ expr }) => ({ panel: `${title} / ${panel.title}`, expression: expr })),
    );
  });
}

async function query(expression) {
  const answer = await fetch(`${PROMETHEUS}/api/v1/query?${new URLSearchParams({ query: expression })}`);
  const body = await answer.json();
  assert.equal(body.status, 'success', `${expression}: ${body.error}`);
  return body.data.result;
}

/** Looks again until `isSo`, for as long as somebody would wait for it. */
export async function until(what, seconds, isSo) {
  for (let waited = 0; waited < seconds * 1_000; waited += LOOK_EVERY_MS) {
    if (await isSo()) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`after ${seconds} s it was still not so that ${what}`);
}

const everyRegion = (state) => REGIONS.map(({ name }) => `${name} ${state}`).sort();
