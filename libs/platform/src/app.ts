import type { DynamicModule, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Clock, Random } from '#libs/resilience';
import type { Config } from './config.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import type { MetricsPage } from './metrics-page.js';
import type { PublicServerOptions, RequestHandler } from './public-server.js';
import type { Readiness } from './readiness.js';
import type { ShutdownStep } from './shutdown.js';

export type AppName = 'registry' | 'replicator' | 'router' | 'console';

/** What every app gets to build itself from. */
export interface AppContext {
  readonly app: AppName;
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** For texts that others write in Prometheus' format. */
  readonly metricsPage: MetricsPage;
  /** Add the checks that decide whether this process is sent requests. */
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Steps run in the order of their addition, after the public server has finished its requests and before the
   * operators' port closes. All share the time of `shutdown.graceMs`.
   */
  onShutdown(name: string, step: ShutdownStep): void;
  /**
   * Called at once when the process is asked to stop, before running requests are waited for: for answers that would
   * never end by themselves. Must not throw.
   */
  onDraining(step: () => void): void;
  /**
   * Opens the port of clients (`http.host`, `http.port`) and answers its requests by `handler`.
   * @returns the port, which the system chose if the configuration says 0
   */
  servePublic(handler: RequestHandler, options?: PublicServerOptions): Promise<number>;
  /** Ends the process with code 1 after an orderly stop: something it cannot do without is lost for good. */
  fail(error: unknown): void;
}

export interface AppParts {
  /** Controllers for operators, and what they need. */
  readonly module?: Type | DynamicModule;
  /**
   * Called when the operators' port answers (`live`, not yet `ready`): probe, catch up, then open the public port.
   * The process is ready, as far as its checks agree, when this resolves. A rejection ends the process.
   */
  start?(nest: NestFastifyApplication): Promise<void>;
}

export interface AppDefinition {
  readonly app: AppName;
  /** Puts the app's classes together. Quick: what takes time belongs into {@link AppParts.start}. */
  create(context: AppContext): AppParts | Promise<AppParts>;
}
