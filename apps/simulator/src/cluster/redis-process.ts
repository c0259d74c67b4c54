import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '#libs/resilience';
import { Problem } from '../problem.js';
import { findProgram, searchPath } from '../programs.js';
import type { ProcessSpec } from './process-spec.js';
import { answersPing } from './readiness.js';

export type RedisProgram =
  | { readonly kind: 'binary'; readonly path: string }
  | { readonly kind: 'docker'; readonly path: string };

/** Valkey speaks the same protocol and takes the same options. */
const BINARIES = ['redis-server', 'valkey-server'];
const OTHER_DIRECTORIES = ['/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];
const IMAGE = 'docker.io/library/redis:7-alpine';
const CONTAINER_PORT = 6379;
const STOP_MS = 10_000;
const DOCKER_ANSWER_MS = 10_000;

/**
 * A program on this machine, or else Docker. `MERIDIAN_REDIS_SERVER` names another program.
 * @throws Problem where there is neither
 */
export async function findRedis(environment: NodeJS.ProcessEnv): Promise<RedisProgram> {
  const path = searchPath(environment);
  const named = environment.MERIDIAN_REDIS_SERVER;
  if (named) return { kind: 'binary', path: named };
  const binary = await findProgram(BINARIES, [...path, ...OTHER_DIRECTORIES]);
  if (binary !== undefined) return { kind: 'binary', path: binary };
  const docker = await findProgram(['docker'], path);
  if (docker !== undefined && (await dockerAnswers(docker))) return { kind: 'docker', path: docker };
  throw new Problem(
    'Redis cannot be had: install redis-server (apt-get install redis-server, brew install redis), or start Docker',
  );
}

async function dockerAnswers(docker: string): Promise<boolean> {
  return promisify(execFile)(docker, ['version'], { timeout: DOCKER_ANSWER_MS }).then(
    () => true,
    () => false,
  );
}

export interface RedisPlace {
  readonly name: string;
  readonly port: number;
  readonly directory: string;
  readonly logFile: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

export function redisProcess(program: RedisProgram, place: RedisPlace): ProcessSpec {
  return {
    name: place.name,
    ...(program.kind === 'binary' ? binaryCommand(program.path, place) : dockerCommand(program.path, place)),
    environment: place.environment,
    directory: place.directory,
    logFile: place.logFile,
    isReady: (signal) => answersPing(place.port, place.clock, signal),
    stopMs: STOP_MS,
  };
}

/**
 * BullMQ's keys must never be evicted; the file makes a restart cheaper, nothing more. What Redis does ten times a second by
 * default is most of what an idle one costs. Twice is enough: a job that failed is tried again up to half a second later.
 */
const OPTIONS = [
  ...['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', '', '--databases', '1'],
  ...['--hz', '2'],
];

function binaryCommand(command: string, { port }: RedisPlace) {
  return { command, args: ['--bind', '127.0.0.1', '--port', String(port), '--daemonize', 'no', ...OPTIONS] };
}

/** A container outlives a client that was killed, so the last one is removed first. */
const REPLACE_AND_RUN = '"$1" rm --force "$2" >/dev/null 2>&1; docker=$1; shift 2; exec "$docker" run "$@"';

function dockerCommand(docker: string, { port, directory }: RedisPlace) {
  const container = `meridian-redis-${port}`;
  const run = ['--rm', '--name', container, '--publish', `127.0.0.1:${port}:${CONTAINER_PORT}`];
  const owner = ['--user', `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`];
  const program = [IMAGE, 'redis-server', ...OPTIONS];
  const args = ['-c', REPLACE_AND_RUN, 'sh', docker, container, ...run, ...owner];
  return { command: '/bin/sh', args: [...args, '--volume', `${directory}:/data`, ...program] };
}
