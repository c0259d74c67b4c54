/**
 * Breaks one thing after another, each for some seconds, and says so: lines between regions, and what a Redis holds. It has no
 * power over containers: lines are broken by the control port of `wan`, and a Redis is told to forget.
 */
import { writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const TOXIPROXY = process.env.TOXIPROXY_URL ?? 'http://wan:8474';
const REDIS_HOSTS = (process.env.REDIS_HOSTS ?? '').split(',').filter((host) => host !== '');
const REST_MS = Number(process.env.REST_MS ?? 20_000);
const LONGEST_MS = Number(process.env.LONGEST_MS ?? 20_000);
const SHORTEST_MS = 3_000;
const ANSWER_MS = 5_000;
const REDIS_PORT = 6379;
/** What is called so is ours: `wan-shaper` leaves it alone, and the next start takes away what a killed one left. */
const PREFIX = 'chaos-';
/** Its age tells the health check that faults go on. */
const PROOF_FILE = '/tmp/broke';

/** Toxics of a line; after a time of 0 nothing passes and nobody is told, as on a line that is cut. */
const LINE_FAULTS = [
  { name: 'swallows everything', type: 'timeout', attributes: { timeout: 0 } },
  { name: 'resets connections', type: 'reset_peer', attributes: { timeout: 500 } },
  { name: 'is a second slower', type: 'latency', attributes: { latency: 1_000, jitter: 500 } },
  { name: 'carries 2 Mbit/s', type: 'bandwidth', attributes: { rate: 250 } },
  { name: 'ends connections after 1 MB', type: 'limit_data', attributes: { bytes: 1_000_000 } },
];

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => stopping.abort());

while (!stopping.signal.aborted) {
  await breakOne().catch((error) => say(`not broken: ${error.cause?.message ?? error.message}`));
  await writeFile(PROOF_FILE, '');
  await pause(REST_MS);
}
await healLines();

async function breakOne() {
  await healLines();
  // A Redis now and then: two thirds of what goes wrong between regions is lines.
  if (REDIS_HOSTS.length > 0 && Math.random() < 1 / 3) return forget(anyOf(REDIS_HOSTS));
  return breakLine();
}

async function breakLine() {
  const { name: line } = anyOf(Object.values(await ask('GET', '/proxies')));
  const { name, type, attributes } = anyOf(LINE_FAULTS);
  const stream = anyOf(['upstream', 'downstream']);
  const ms = SHORTEST_MS + Math.round(Math.random() * Math.max(0, LONGEST_MS - SHORTEST_MS));
  const toxic = { name: `${PREFIX}${type}`, type, stream, attributes };
  say(`${line} ${name}, ${stream}, for ${(ms / 1_000).toFixed(1)} s`);
  await ask('POST', `/proxies/${line}/toxics`, toxic);
  await pause(ms);
  await healLines();
  say(`${line} is whole again`);
}

/** Also when a stop was asked for: what is broken must not stay so. */
async function healLines() {
  for (const { name: line, toxics } of Object.values(await ask('GET', '/proxies'))) {
    for (const { name } of toxics.filter((toxic) => toxic.name.startsWith(PREFIX))) {
      await ask('DELETE', `/proxies/${line}/toxics/${name}`);
    }
  }
}

async function forget(host) {
  say(`${host} forgets everything`);
  await new Promise((resolve, reject) => {
    const socket = createConnection({ host, port: REDIS_PORT, timeout: ANSWER_MS });
    socket.on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error(`${host} does not answer`)));
    socket.on('connect', () => socket.end('FLUSHALL\r\n'));
    socket.on('data', (answer) => {
      if (!answer.toString().startsWith('+OK')) socket.destroy(new Error(`${host}: ${answer.toString().trim()}`));
    });
    socket.on('close', resolve);
  });
}

async function ask(method, path, body) {
  const answer = await fetch(new URL(path, TOXIPROXY), {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

async function pause(ms) {
  await sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
}

function anyOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}
