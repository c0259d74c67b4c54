import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SeededRandom } from '#libs/resilience/testing';
import { Cluster } from '../support/cluster.js';
import { OciClient } from '../support/oci-client.js';
import { residentBytes } from '../support/resident-bytes.js';
import { type Answer, type Ask, exchange } from './bad-input/wire.js';
import { FUZZ_IMAGE, FUZZ_REPOSITORY, mutatedRequest } from './fuzz/mutated-request.js';

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 2_000);
const AT_ONCE = 8;
const WARM_REQUESTS = 500;
const ALLOWED_GROWTH = 200_000_000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ regions: ['here', 'there'] });
  await new OciClient(cluster.primary.registry).pushImage(FUZZ_REPOSITORY, FUZZ_IMAGE, 'v1');
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

/** `undefined`: the client's own library refused to send it, or the connection was closed on it. */
async function answerTo(request: Ask): Promise<Answer | undefined> {
  return exchange(cluster.primary.registry, request).catch(() => undefined);
}

/** Sends the requests of these numbers, and returns those that were answered with a 5xx. */
async function failuresOf(from: number, to: number): Promise<{ failures: readonly object[]; answered: number }> {
  const failures: object[] = [];
  let answered = 0;
  let next = from;
  const worker = async () => {
    while (next < to) {
      const number = next;
      next += 1;
      const request = mutatedRequest(new SeededRandom(SEED * 1_000_003 + number));
      const answer = await answerTo(request);
      if (answer === undefined) continue;
      answered += 1;
      if (answer.status < 500) continue;
      failures.push({ number, ...request, status: answer.status, said: answer.body.toString().slice(0, 500) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { failures, answered };
}

it(
  `bears ${REQUESTS} requests of seed ${SEED} that are almost right`,
  async () => {
    const pid = cluster.primary.pid ?? 0;
    const warm = await failuresOf(0, Math.min(WARM_REQUESTS, REQUESTS));
    const before = await residentBytes(pid);
    const rest = await failuresOf(WARM_REQUESTS, REQUESTS);
    expect([...warm.failures, ...rest.failures].slice(0, 3)).toEqual([]);
    expect(warm.answered + rest.answered).toBeGreaterThan(REQUESTS / 2);
    expect((await residentBytes(pid)) - before).toBeLessThan(ALLOWED_GROWTH);
    const client = new OciClient(cluster.primary.registry);
    await client.pushImage('fuzz/after', FUZZ_IMAGE, 'v1');
    expect(await client.pullWhole('fuzz/after', 'v1')).toBe(FUZZ_IMAGE.manifest.digest);
    await cluster.refresh();
    expect(cluster.primary.pid).toBe(pid);
  },
  Math.max(120_000, REQUESTS * 20),
);
