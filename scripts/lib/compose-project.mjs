import { spawnSync } from 'node:child_process';
import { inRoot, ROOT } from './root.mjs';
import { runQuietly, tail } from './run.mjs';

/** What docker-compose.yml describes, brought up under a name of its own: whoever runs it already keeps their data. */
export class ComposeProject {
  /** @param {string} name of the project */
  constructor(name) {
    this.name = name;
  }

  /** One line that says what is missing, or undefined. */
  static whatIsMissing() {
    if (!runQuietly('docker', ['version', '--format', '{{.Server.Version}}']).ok) return 'no Docker engine answers';
    if (!runQuietly('docker', ['compose', 'version']).ok) return 'docker has no compose plugin (v2)';
    return undefined;
  }

  /** @throws Error with the end of what it said */
  compose(...args) {
    return docker(...this.#self(), ...args);
  }

  /** Runs a program in the container of a service and returns what it wrote; `ok` says how it ended. */
  exec(service, command, { index = 1 } = {}) {
    return runQuietly('docker', [...this.#self(), 'exec', '-T', '--index', String(index), service, ...command]);
  }

  /** Runs a shell's script in a new container of the service, and returns what it wrote. */
  runOnce(service, script) {
    const shell = ['--entrypoint', '/bin/sh', service, '-c', script];
    return runQuietly('docker', [...this.#self(), 'run', '--rm', '-T', '--no-deps', ...shell]).output;
  }

  /** What is not as it should be, a line each. */
  unwell() {
    const { output } = runQuietly('docker', [...this.#self(), 'ps', '-a', '--format', '{{.Service}}: {{.Status}}']);
    return lines(output).filter((line) => !/\(healthy\)|Exited \(0\)/.test(line));
  }

  containers(...filters) {
    return lines(docker('ps', '-aq', ...this.#mine(), ...filters));
  }

  /** The exit codes of the service's containers that have ended. */
  exitCodes(service) {
    const ids = this.containers('--filter', `label=com.docker.compose.service=${service}`);
    return lines(docker('inspect', '--format', '{{.State.ExitCode}}', ...ids)).map(Number);
  }

  /** Containers, networks and named volumes that carry the project's name. */
  leftovers() {
    const networks = lines(docker('network', 'ls', '-q', ...this.#mine()));
    const volumes = lines(docker('volume', 'ls', '-q', ...this.#mine()));
    return [...this.containers(), ...networks, ...volumes];
  }

  #self() {
    return ['compose', '-p', this.name, '-f', inRoot('docker-compose.yml')];
  }

  #mine() {
    return ['--filter', `label=com.docker.compose.project=${this.name}`];
  }
}

/** @throws Error with the end of what it said */
export function docker(...args) {
  return dockerWithInput(undefined, ...args);
}

/** As {@link docker}, with bytes on its standard input. */
export function dockerWithInput(input, ...args) {
  const result = spawnSync('docker', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, input });
  if (result.status === 0) return result.stdout;
  throw new Error(`docker ${args.join(' ')}\n${tail(`${result.stdout}${result.stderr}${result.error ?? ''}`)}`);
}

export const allVolumes = () => lines(docker('volume', 'ls', '-q'));

const lines = (text) => text.split('\n').filter((line) => line !== '');
