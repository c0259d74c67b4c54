import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { systemClock, systemRandom } from '#libs/resilience';
import type { AppContext, AppDefinition, AppParts } from './app.js';
import type { Config } from './config.js';
import { loadConfig } from './load-config.js';
import { createLogger, NestLogger } from './logger.js';
import { createMetrics } from './metrics.js';
import { MetricsPage } from './metrics-page.js';
import { operatorModule } from './operator.module.js';
import { exitWithParent, onStopSignal, onUnhandledError, type ProcessHost } from './process-host.js';
import { PublicServer } from './public-server.js';
import { Readiness } from './readiness.js';
import { Shutdown } from './shutdown.js';
import { describeStartError } from './start-error.js';

/**
 * The life of every process: read the configuration, put the app together, answer operators, start; on SIGTERM say
 * "not ready", finish what runs, and end with code 0. Whatever goes wrong before it serves is one clear line and code 1.
 */
export async function runApp(definition: AppDefinition, host: ProcessHost = process): Promise<void> {
  let config: Config;
  try {
    config = loadConfig(host.env);
  } catch (error) {
    host.stderr.write(`${definition.app}: ${describeStartError(error)}\n`);
    host.exit(1);
    return;
  }
  await new AppProcess(definition, config, host).run();
}

@Module({})
class RootModule {}

class AppProcess {
  readonly #definition: AppDefinition;
  readonly #host: ProcessHost;
  readonly #context: AppContext;
  readonly #readiness = new Readiness(systemClock);
  readonly #shutdown: Shutdown;
  readonly #drainSteps: (() => void)[] = [];
  #publicServer: PublicServer | undefined;
  #nest: NestFastifyApplication | undefined;
  #stopping = false;

  constructor(definition: AppDefinition, config: Config, host: ProcessHost) {
    this.#definition = definition;
    this.#host = host;
    const identity = { app: definition.app, region: config.region };
    const log = createLogger({ ...identity, level: config.log.level });
    const metrics = createMetrics(identity);
    this.#shutdown = new Shutdown(systemClock, log);
    this.#context = {
      app: definition.app,
      config,
      log,
      metrics,
      metricsPage: new MetricsPage(metrics),
      readiness: this.#readiness,
      clock: systemClock,
      random: systemRandom,
      onShutdown: (name, step) => this.#shutdown.add(name, step),
      onDraining: (step) => this.#drainSteps.push(step),
      servePublic: (handler, options) => this.#servePublic(handler, options),
      fail: (error) => {
        log.fatal({ err: error }, 'cannot go on');
        void this.#stop(1);
      },
    };
  }

  async run(): Promise<void> {
    const { log } = this.#context;
    onUnhandledError(this.#host, (error) => log.fatal({ err: error }, 'unhandled error'));
    exitWithParent(this.#host, () => log.info('parent is gone'));
    onStopSignal(this.#host, (signal) => {
      log.info({ signal }, 'stopping');
      void this.#stop(0);
    });
    this.#shutdown.add('public server', (signal) => this.#publicServer?.close(signal));
    try {
      await this.#start();
    } catch (error) {
      if (this.#stopping) return;
      log.debug({ err: error }, 'start failed');
      log.fatal(describeStartError(error));
      this.#host.exit(1);
    }
  }

  async #start(): Promise<void> {
    const { config, log } = this.#context;
    const parts = await this.#definition.create(this.#context);
    this.#nest = await this.#createNest(parts);
    await this.#nest.listen(config.http.operatorPort, config.http.operatorHost);
    log.info({ url: await this.#nest.getUrl() }, 'operators are answered');
    await parts.start?.(this.#nest);
    this.#readiness.setStarted();
    log.info('started');
  }

  async #createNest({ module }: AppParts): Promise<NestFastifyApplication> {
    const { log, metricsPage } = this.#context;
    const operator = operatorModule({ readiness: this.#readiness, metricsPage });
    return NestFactory.create<NestFastifyApplication>(
      { module: RootModule, imports: module ? [operator, module] : [operator] },
      new FastifyAdapter({ forceCloseConnections: true }),
      { logger: new NestLogger(log), abortOnError: false },
    );
  }

  async #servePublic(...[handler, options]: Parameters<AppContext['servePublic']>): Promise<number> {
    const { config, log, metrics, clock, random } = this.#context;
    const { slowestBytesPerSecond: bytesPerSecond, slowestOverMs: overMs } = config.limits;
    const slowest = bytesPerSecond > 0 ? { slowest: { bytesPerSecond, overMs } } : {};
    this.#publicServer = new PublicServer(handler, { log, metrics, clock, random }, { ...slowest, ...options });
    const port = await this.#publicServer.listen(config.http.port, config.http.host);
    log.info({ host: config.http.host, port }, 'clients are answered');
    return port;
  }

  /** "Not ready" comes first and is heard for a while: whoever sends requests here must have time to look elsewhere. */
  async #stop(code: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { clock, config, log } = this.#context;
    this.#readiness.setDraining();
    this.#publicServer?.drain();
    for (const step of this.#drainSteps) step();
    if (config.shutdown.announceMs > 0) await clock.sleep(config.shutdown.announceMs, new AbortController().signal);
    this.#shutdown.add('operator port', () => this.#nest?.close());
    await this.#shutdown.run(config.shutdown.graceMs);
    log.info('stopped');
    this.#host.exit(code);
  }
}
