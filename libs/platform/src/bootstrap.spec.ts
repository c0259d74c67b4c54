import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import type { AppContext, AppDefinition } from './app.js';
import { runApp } from './bootstrap.js';
import type { ProcessHost } from './process-host.js';

/** A process that can be told to end without ending the test. */
class FakeProcess extends EventEmitter {
  readonly stdin = new PassThrough();
  readonly stderr = new PassThrough();
  readonly exits: number[] = [];
  readonly exited: Promise<number>;
  exit: (code: number) => void = () => undefined;

  constructor(readonly env: NodeJS.ProcessEnv) {
    super();
    this.exited = new Promise((resolve) => {
      this.exit = (code) => {
        this.exits.push(code);
        resolve(code);
      };
    });
  }

  asHost(): ProcessHost {
    return this as unknown as ProcessHost;
  }
}

@Controller('admin')
class AdminController {
  @Get()
  hello(): string {
    return 'hello';
  }
}

@Module({ controllers: [AdminController] })
class AdminModule {}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('runApp', () => {
  let directory: string;
  let operator: string;
  let operatorPort: number;
  let host: FakeProcess;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'meridian-app-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  beforeEach(async () => {
    operatorPort = await freePort();
    operator = `http://127.0.0.1:${operatorPort}`;
    const file = join(directory, 'config.json');
    const address = { publicUrl: 'http://north.localhost:1', peerUrl: 'http://127.0.0.1:1' };
    const config = {
      topology: { regions: [{ name: 'north', role: 'primary', ...address }], roundTripMs: {}, defaultRegion: 'north' },
      region: 'north',
      clusterKeyFile: '/nowhere',
      http: { port: 0, operatorPort },
      log: { level: 'silent' },
      shutdown: { graceMs: 1_000 },
    };
    writeFileSync(file, JSON.stringify(config));
    host = new FakeProcess({ MERIDIAN_CONFIG: file, MERIDIAN_EXIT_WITH_PARENT: '1' });
  });

  /** Whatever a test left running ends: a fake process does not end by itself. */
  afterEach(async () => {
    host.emit('SIGTERM', 'SIGTERM');
    while (await answers()) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  const answers = () =>
    fetch(`${operator}/health/live`).then(
      () => true,
      () => false,
    );
  const run = (app: Partial<AppDefinition> = {}) =>
    runApp({ app: 'registry', create: () => ({}), ...app }, host.asHost());
  const ready = async () => (await fetch(`${operator}/health/ready`)).status;

  it('answers operators: health, metrics, and what the app adds', async () => {
    await run({ create: () => ({ module: AdminModule }) });
    expect(await (await fetch(`${operator}/health/live`)).json()).toEqual({ live: true });
    expect(await (await fetch(`${operator}/health/deep`)).json()).toMatchObject({ ready: true, process: {} });
    const metrics = await fetch(`${operator}/metrics`);
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
    expect(await metrics.text()).toContain('meridian_journal_head_sequence{app="registry",process_region="north"} 0');
    expect(await (await fetch(`${operator}/admin`)).text()).toBe('hello');
  });

  it('lives before it is ready, and is ready when everything has started and every check holds', async () => {
    let good = false;
    let whileStarting: number | undefined;
    await run({
      create: ({ readiness }) => {
        readiness.add('store', async () => {
          if (!good) throw new Error('not yet');
        });
        return {
          start: async () => {
            good = true;
            whileStarting = await ready();
          },
        };
      },
    });
    expect(whileStarting).toBe(503);
    expect(await ready()).toBe(200);
  });

  it('says that it is not ready, finishes what runs, takes the steps, and ends with 0', async () => {
    const steps: string[] = [];
    let publicPort = 0;
    let finish = (): void => undefined;
    let reached = (): void => undefined;
    const running = new Promise<void>((resolve) => {
      reached = resolve;
    });
    await run({
      create: (context) => ({
        start: async () => {
          publicPort = await context.servePublic(async (_request, response) => {
            reached();
            await new Promise<void>((resolve) => {
              finish = resolve;
            });
            response.end('whole');
          });
          context.onShutdown('first', () => void steps.push('first'));
          context.onShutdown('second', () => void steps.push('second'));
        },
      }),
    });
    const answer = fetch(`http://127.0.0.1:${publicPort}/v2/`);
    await running;
    host.emit('SIGTERM', 'SIGTERM');
    expect(await ready()).toBe(503);
    expect(steps).toEqual([]);
    finish();
    expect(await (await answer).text()).toBe('whole');
    expect(await host.exited).toBe(0);
    expect(steps).toEqual(['first', 'second']);
  });

  it('ends at once on the second signal', async () => {
    await run({
      create: (context) => {
        context.onShutdown('endless', () => new Promise(() => undefined));
        return {};
      },
    });
    host.emit('SIGINT', 'SIGINT');
    host.emit('SIGINT', 'SIGINT');
    expect(await host.exited).toBe(1);
  });

  it('ends when its parent is gone', async () => {
    await run();
    host.stdin.end();
    expect(await host.exited).toBe(0);
  });

  it.each(['uncaughtException', 'unhandledRejection'])('ends with 1 on %s', async (event) => {
    await run();
    host.emit(event, new Error('nobody caught this'));
    expect(await host.exited).toBe(1);
  });

  it('ends with 1, in order, when the app cannot go on', async () => {
    const steps: string[] = [];
    let context: AppContext | undefined;
    await run({
      create: (given) => {
        context = given;
        given.onShutdown('step', () => void steps.push('step'));
        return {};
      },
    });
    context?.fail(new Error('the bucket was replaced'));
    expect(await host.exited).toBe(1);
    expect(steps).toEqual(['step']);
  });

  it('ends with 1 when its port is in use', async () => {
    const other = createServer().listen(operatorPort, '127.0.0.1');
    await once(other, 'listening');
    await run();
    other.close();
    expect(host.exits).toEqual([1]);
  });

  it('ends with 1 when the app cannot start', async () => {
    await run({
      create: () => ({
        start: async () => {
          throw new Error('the store honours no conditions');
        },
      }),
    });
    expect(host.exits).toEqual([1]);
  });

  it('prints everything that is wrong with the configuration, and ends with 1', async () => {
    host.env.MERIDIAN_HTTP_PORT = 'x';
    host.env.MERIDIAN_LOG_LEVEL = 'loud';
    await run();
    expect(host.exits).toEqual([1]);
    const lines = String(host.stderr.read()).trim().split('\n');
    expect(lines).toEqual([
      'registry: the configuration has 2 problems:',
      expect.stringContaining('http.port is "x"'),
      expect.stringContaining('log.level is "loud"'),
    ]);
  });
});
