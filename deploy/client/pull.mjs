/**
 * Pulls images of one region again and again, as several clients at once would: any tag of any repository that is there, whole.
 * Says every ten seconds what came of it; pushes nothing.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const REGISTRY = new URL(process.env.REGISTRY_URL ?? 'http://127.0.0.1:8101');
/** Redirects lead to the store's public address, which only the host has; from a container the same store is here. */
const STORE = new URL(process.env.STORE_URL ?? 'http://127.0.0.1:8121');
const PULLERS = Number(process.env.PULLERS ?? 4);
const PAUSE_MS = Number(process.env.PAUSE_MS ?? 250);
const SAY_EVERY_MS = 10_000;
const ANSWER_MS = 60_000;
const MANIFEST_BYTES = 4 * 1024 * 1024;
/** Its age tells the health check that the pullers go on. */
const PROOF_FILE = '/tmp/pulled';
const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const IMAGE_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => stopping.abort());

const seen = { pulls: 0, bytes: 0, failures: 0, reason: '' };
await Promise.all([...Array.from({ length: PULLERS }, pullOn), sayOn()]);

async function pullOn() {
  while (!stopping.signal.aborted) {
    await pullOne().catch((error) => {
      if (stopping.signal.aborted) return;
      seen.failures += 1;
      seen.reason = error.cause?.message ?? error.message;
    });
    await pause(PAUSE_MS);
  }
}

async function sayOn() {
  while (!stopping.signal.aborted) {
    await pause(SAY_EVERY_MS);
    const { pulls, bytes, failures, reason } = seen;
    const why = failures === 0 ? '' : ` (the last: ${reason})`;
    process.stdout.write(`${pulls} pulls, ${bytes} bytes, ${failures} failures${why}\n`);
    Object.assign(seen, { pulls: 0, bytes: 0, failures: 0, reason: '' });
    await writeFile(PROOF_FILE, '');
  }
}

async function pullOne() {
  const { repositories } = await json('/v2/_catalog?n=1000');
  if (repositories.length === 0) return;
  const repository = anyOf(repositories);
  const { tags } = await json(`/v2/${repository}/tags/list?n=1000`);
  if (tags.length === 0) return;
  await pullManifest(repository, anyOf(tags));
  seen.pulls += 1;
}

async function pullManifest(repository, reference) {
  const manifest = await json(`/v2/${repository}/manifests/${reference}`);
  const children = manifest.manifests ?? [];
  if (children.length > 0) return pullManifest(repository, anyOf(children).digest);
  for (const { digest } of [manifest.config, ...(manifest.layers ?? [])]) {
    if (digest !== undefined) await pullBlob(repository, digest);
  }
}

async function pullBlob(repository, digest) {
  let answer = await get(new URL(`/v2/${repository}/blobs/${digest}`, REGISTRY));
  if (answer.statusCode === 307) {
    answer.resume();
    const location = new URL(answer.headers.location);
    // The signature is over the public address, so that is what the store must hear.
    answer = await get(new URL(location.pathname + location.search, STORE), { host: location.host });
  }
  expectOk(answer, `blob ${digest}`);
  const hash = createHash('sha256');
  for await (const chunk of answer) {
    hash.update(chunk);
    seen.bytes += chunk.length;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (digest.startsWith('sha256:') && found !== digest) throw new Error(`${digest} has the bytes of ${found}`);
}

async function json(path) {
  const answer = await get(new URL(path, REGISTRY), { accept: [...INDEX_TYPES, ...IMAGE_TYPES].join(', ') });
  expectOk(answer, path);
  const chunks = [];
  let length = 0;
  for await (const chunk of answer) {
    length += chunk.length;
    if (length > MANIFEST_BYTES) throw new Error(`${path} is longer than a manifest may be`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

function expectOk(answer, what) {
  if (answer.statusCode === 200) return;
  answer.resume();
  throw new Error(`${what}: ${answer.statusCode}`);
}

function get(url, headers = {}) {
  const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(ANSWER_MS)]);
  return new Promise((resolve, reject) => {
    request(url, { headers, signal }, resolve).on('error', reject).end();
  });
}

async function pause(ms) {
  await sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
}

function anyOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}
