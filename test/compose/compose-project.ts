import { docker, linesOf, type Outcome, runToEnd } from './docker.js';

export const COMPOSE_FILE = 'docker-compose.yml';
const OF_NO_PROFILE_ONLY = ['--profile', '*'];

/** What docker-compose.yml describes, under a name of its own: whoever runs it already keeps their data. */
export class ComposeProject {
  constructor(readonly name: string) {}

  /** @throws Error with the end of what it said */
  compose(args: readonly string[], signal: AbortSignal): Promise<string> {
    return docker([...this.#self(), ...args], signal);
  }

  /** Runs a program in the container of a service. */
  exec(service: string, command: readonly string[], signal: AbortSignal, index = 1): Promise<Outcome> {
    const args = [...this.#self(), 'exec', '-T', '--index', String(index), service, ...command];
    return runToEnd('docker', args, signal);
  }

  /** Runs a new container of the service, alone, to its end; `files` change what compose reads. */
  runOnce(service: string, { options = [], command = [], files = [] }: RunOnce, signal: AbortSignal): Promise<Outcome> {
    const run = ['run', '--rm', '-T', '--no-deps', ...options, service, ...command];
    return runToEnd('docker', [...this.#self(files), ...run], signal);
  }

  up(signal: AbortSignal, ...options: readonly string[]): Promise<string> {
    return this.compose(['up', '-d', '--wait', ...options], signal);
  }

  /** Takes everything away, and the data with it. */
  down(signal: AbortSignal): Promise<string> {
    return this.compose([...OF_NO_PROFILE_ONLY, 'down', '-v', '--remove-orphans', '-t', '10'], signal);
  }

  logs(service: string, signal: AbortSignal): Promise<string> {
    return this.compose([...OF_NO_PROFILE_ONLY, 'logs', '--no-log-prefix', service], signal);
  }

  /** What is not as it should be, a line each. */
  async unwell(signal: AbortSignal): Promise<readonly string[]> {
    const states = await this.compose(['ps', '-a', '--format', '{{.Service}}: {{.Status}}'], signal);
    return linesOf(states).filter((line) => !/\(healthy\)|Exited \(0\)/.test(line));
  }

  /** The exit codes of the service's containers that have ended, each once. */
  async exitCodes(service: string, signal: AbortSignal): Promise<readonly number[]> {
    const filter = ['--filter', `label=com.docker.compose.service=${service}`];
    const ids = linesOf(await docker(['ps', '-aq', ...this.#mine(), ...filter], signal));
    const codes = linesOf(await docker(['inspect', '--format', '{{.State.ExitCode}}', ...ids], signal));
    return [...new Set(codes.map(Number))];
  }

  /** Containers, networks and named volumes that carry the project's name. */
  async leftovers(signal: AbortSignal): Promise<readonly string[]> {
    const lists = [
      ['ps', '-aq'],
      ['network', 'ls', '-q'],
      ['volume', 'ls', '-q'],
    ];
    const found = await Promise.all(lists.map((list) => docker([...list, ...this.#mine()], signal)));
    return found.flatMap(linesOf);
  }

  #self(files: readonly string[] = []): readonly string[] {
    return ['compose', '-p', this.name, ...[COMPOSE_FILE, ...files].flatMap((file) => ['-f', file])];
  }

  #mine(): readonly string[] {
    return ['--filter', `label=com.docker.compose.project=${this.name}`];
  }
}

export interface RunOnce {
  readonly options?: readonly string[];
  readonly command?: readonly string[];
  readonly files?: readonly string[];
}
