import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { systemClock } from '#libs/resilience';
import { openRunningTarget } from './running-target.js';
import type { Target } from './target.js';

const forever = new AbortController().signal;
const ROUND_TRIP_MS = 60;

describe('clients of a cluster that runs anyway', () => {
  const server = createServer((request, response) => response.end(request.headers.host));
  let directory: string;
  let target: Target;
  let port: number;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-target-'));
    const wanFile = join(directory, 'wan.json');
    await writeFile(
      wanFile,
      JSON.stringify({ default: { roundTripMs: ROUND_TRIP_MS, megabitsPerSecond: 100 }, links: [] }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    const regions = ['near', 'far'].map((name) => ({
      name: parseRegionName(name),
      registry: `http://127.0.0.1:${port}`,
    }));
    target = await openRunningTarget(
      {
        description: '',
        router: `http://127.0.0.1:${port}`,
        regions,
        stores: [],
        admin: '',
        wanFile,
        faults: undefined,
      },
      systemClock,
    );
  });

  afterAll(async () => {
    await target.close();
    server.close();
    await rm(directory, { recursive: true });
  });

  it.each([
    ['near', 0],
    ['far', 2 * ROUND_TRIP_MS],
  ])('in the %s region are at least %d ms away, and ask for the same name', async (name, least) => {
    const client = target.regions.find((region) => region.name === name)?.connect('primary');
    const startMs = systemClock.monotonic();
    const answer = await client?.send({ method: 'GET', target: '/' }, forever);
    expect(await answer?.body.text()).toBe(`127.0.0.1:${port}`);
    expect(systemClock.monotonic() - startMs).toBeGreaterThanOrEqual(least);
    await client?.close();
  });
});
