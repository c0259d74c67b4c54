import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { parseRegionName, type RegionName } from '#libs/geo';
import { parseRepositoryName } from '#libs/oci';
import { configSchema, createMetrics } from '#libs/platform';
import { systemClock, systemRandom } from '#libs/resilience';
import { Router } from './router.js';
import { routerModule } from './router.module.js';
import { eventually } from './testing/eventually.js';
import { FakeRegion } from './testing/fake-region.js';

const eu = parseRegionName('eu');
const us = parseRegionName('us');
const app = parseRepositoryName('team/app');

/** Answers the internal API with one line, and goes on saying it. */
function speak(region: FakeRegion): void {
  region.answer = ({ url }, response) => {
    if (url === '/_meridian/v1/status') return void response.end(JSON.stringify(region.statusOf({})));
    const line = url.startsWith('/_meridian/v1/journal')
      ? { kind: 'head', seq: region.head, epoch: 1, timeMs: 0 }
      : region.statusOf({});
    response.write(`${JSON.stringify(line)}\n`);
    const repeat = setInterval(() => response.write(`${JSON.stringify(line)}\n`), 100);
    response.on('close', () => clearInterval(repeat));
  };
}

describe('a router between regions', () => {
  let primary: FakeRegion;
  let replica: FakeRegion;
  let router: Router;
  let nest: NestFastifyApplication;

  const chosen = (client: RegionName = us) => router.decisions(app).get(client)?.site?.name;

  beforeEach(async () => {
    primary = new FakeRegion(eu, 'primary');
    replica = new FakeRegion(us, 'replica');
    primary.head = 7;
    replica.head = 7;
    for (const region of [primary, replica]) speak(region);
    const config = configSchema.parse({
      topology: {
        regions: [await primary.start(), await replica.start()],
        roundTripMs: { eu: { us: 80 }, us: { eu: 80 } },
        defaultRegion: 'eu',
      },
      clusterKeyFile: '/none',
    });
    const log = pino({ level: 'silent' });
    const metrics = createMetrics({ app: 'router' });
    const context = { config, log, metrics, clock: systemClock, random: systemRandom };
    router = new Router(context, new Uint8Array(32).fill(1));
    nest = await NestFactory.create<NestFastifyApplication>(routerModule(router), new FastifyAdapter(), {
      logger: false,
    });
    await nest.listen(0, '127.0.0.1');
    router.start();
  });

  afterEach(async () => {
    await router.stop();
    await nest.close();
    await Promise.all([primary.stop(), replica.stop()]);
  });

  async function ask(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`${await nest.getUrl()}/admin/v1/${path}`);
    return { status: response.status, body: await response.json() };
  }

  it('hears the regions over HTTP, and leaves one that dies', async () => {
    await eventually(() => chosen() === us);
    const [seen] = replica.seen;
    expect(seen?.headers.authorization).toMatch(/^Meridian /);
    await replica.stop();
    const diedMs = systemClock.monotonic();
    await eventually(() => chosen() === eu);
    expect(systemClock.monotonic() - diedMs).toBeLessThan(2_000);
  });

  it('is not ready when there is nobody left to send requests to', async () => {
    await expect(router.checkReady()).resolves.toBeUndefined();
    await Promise.all([primary.stop(), replica.stop()]);
    await eventually(() => router.regions.every(({ health }) => health === 'unhealthy'));
    await expect(router.checkReady()).rejects.toThrow('no region can be reached');
  });

  it('explains itself to operators', async () => {
    await eventually(() => chosen() === us && router.regions.every(({ health }) => health === 'healthy'));
    expect(await ask('routing?repository=team/app')).toEqual({
      status: 200,
      body: {
        repository: 'team/app',
        clients: [
          {
            client: 'eu',
            region: 'eu',
            reason: 'nearest',
            candidates: [
              { region: 'eu', roundTripMs: 0, health: 'healthy', fresh: true, excluded: false, usable: true },
              { region: 'us', roundTripMs: 80, health: 'healthy', fresh: true, excluded: false, usable: true },
            ],
          },
          expect.objectContaining({ client: 'us', region: 'us', reason: 'nearest' }),
        ],
      },
    });
    expect(await ask('regions')).toMatchObject({
      status: 200,
      body: {
        regions: [
          { region: 'eu', role: 'primary', health: 'healthy', caughtUp: true, status: { watermark: 7 } },
          { region: 'us', role: 'replica', health: 'healthy', caughtUp: true, silentMs: expect.any(Number) },
        ],
      },
    });
    expect(await ask('routing?repository=UPPER')).toMatchObject({
      status: 400,
      body: { errors: [{ code: 'NAME_INVALID' }] },
    });
    expect((await ask('routing')).status).toBe(400);
  });
});
