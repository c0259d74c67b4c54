/**
 * Keeps the lines between the regions as `links.json` says, for as long as it runs: change the file, and the lines change
 * within a second. The shape of the file is the one that `npm start -- --wan` takes; `"down": true` cuts a line.
 *
 * Toxiproxy delays and throttles, and forgets both when it restarts; so what should be is compared with what is, again and again.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const LINKS_FILE = process.env.LINKS_FILE ?? '/etc/meridian/wan/links.json';
const TOXIPROXY = process.env.TOXIPROXY_URL ?? 'http://wan:8474';
/** Its age tells the health check that the lines were as they should be a moment ago. */
const PROOF_FILE = '/tmp/shaped';
const EVERY_MS = 1_000;
const ANSWER_MS = 5_000;
const BYTES_PER_KILOBYTE = 1_000;

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => stopping.abort());

let lastWords = '';
while (!stopping.signal.aborted) {
  const words = await shapeAll().catch((error) => `not shaped: ${error.cause?.message ?? error.message}`);
  // Once each: a line per second would hide everything else.
  if (words !== lastWords) process.stdout.write(`${words}\n`);
  lastWords = words;
  await sleep(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
}

async function shapeAll() {
  const links = JSON.parse(await readFile(LINKS_FILE, 'utf8'));
  const proxies = Object.values(await ask('GET', '/proxies'));
  const described = [];
  for (const proxy of proxies) {
    const [from, to] = proxy.name.split('-to-');
    const link = linkBetween(links, from, to);
    await shape(proxy, link);
    described.push(`${from} -> ${to} ${describe(link)}`);
  }
  await writeFile(PROOF_FILE, '');
  return described.sort().join('; ');
}

function linkBetween({ links, default: otherwise }, from, to) {
  const found = links.find(({ between }) => between.includes(from) && between.includes(to));
  const link = { ...otherwise, ...found };
  for (const setting of ['roundTripMs', 'megabitsPerSecond']) {
    if (!(Number.isFinite(link[setting]) && link[setting] > 0)) {
      throw new Error(`${LINKS_FILE}: ${setting} between ${from} and ${to} must be a number above 0`);
    }
  }
  return link;
}

async function shape(proxy, { roundTripMs, megabitsPerSecond, down = false }) {
  const latency = Math.round(roundTripMs / 2);
  const rate = Math.round((megabitsPerSecond * 1_000_000) / 8 / BYTES_PER_KILOBYTE);
  for (const stream of ['upstream', 'downstream']) {
    await setToxic(proxy, { name: `latency-${stream}`, type: 'latency', stream, attributes: { latency, jitter: 0 } });
    await setToxic(proxy, { name: `rate-${stream}`, type: 'bandwidth', stream, attributes: { rate } });
  }
  if (proxy.enabled === down) await ask('POST', `/proxies/${proxy.name}`, { enabled: !down });
}

async function setToxic(proxy, wanted) {
  const path = `/proxies/${proxy.name}/toxics`;
  const found = proxy.toxics.find(({ name }) => name === wanted.name);
  if (found === undefined) return ask('POST', path, wanted);
  const same = Object.entries(wanted.attributes).every(([name, value]) => found.attributes[name] === value);
  return same ? undefined : ask('POST', `${path}/${wanted.name}`, { attributes: wanted.attributes });
}

async function ask(method, path, body) {
  const answer = await fetch(new URL(path, TOXIPROXY), {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(ANSWER_MS)]),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

function describe({ roundTripMs, megabitsPerSecond, down }) {
  return down ? 'down' : `${roundTripMs} ms, ${megabitsPerSecond} Mbit/s`;
}
