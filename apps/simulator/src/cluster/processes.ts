import type { Clock } from '#libs/resilience';
import type { DataDirectory } from '../data-directory.js';
import { type App, appProcess } from './app-process.js';
import type { ClusterPlan } from './plan.js';
import type { ProcessSpec } from './process-spec.js';
import { type RedisProgram, redisProcess } from './redis-process.js';

export interface ProcessContext {
  readonly data: DataDirectory;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

/** What children inherit: everything but settings of Meridian, which come from their files alone. */
export function childEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('MERIDIAN_')));
}

export function redisProcesses(
  program: RedisProgram,
  plan: ClusterPlan,
  { data, environment, clock }: ProcessContext,
): readonly ProcessSpec[] {
  return plan.regions.map(({ name, ports }) =>
    redisProcess(program, {
      name: `${name}-redis`,
      port: ports.redis,
      directory: data.redis(name),
      logFile: data.logFile(`${name}-redis`),
      environment,
      clock,
    }),
  );
}

/** A registry and a replicator per region, and the router. */
export function appProcesses(plan: ClusterPlan, context: ProcessContext): readonly ProcessSpec[] {
  const regional = plan.regions.flatMap(({ name, ports }) => [
    placed(context, `${name}-registry`, 'registry', ports.operator),
    placed(context, `${name}-replicator`, 'replicator', ports.replicatorOperator),
  ]);
  return [...regional, placed(context, 'router', 'router', plan.ports.routerOperator)];
}

function placed(
  { data, environment, clock }: ProcessContext,
  name: string,
  app: App,
  operatorPort: number,
): ProcessSpec {
  return appProcess({
    name,
    app,
    operatorPort,
    configFile: data.configFile(name),
    logFile: data.logFile(name),
    directory: data.path,
    environment,
    clock,
  });
}
