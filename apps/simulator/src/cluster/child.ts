import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Clock } from '#libs/resilience';
import { messageOf, systemCodeOf } from '../problem.js';
import type { ProcessSpec } from './process-spec.js';

/** One life of a process. It leads a process group, so that what it starts ends with it. */
export class Child {
  readonly pid: number | undefined;
  /** Resolves when it has ended, with how, in words. Never rejects. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #clock: Clock;
  readonly #stopMs: number;

  /** Its standard input is a pipe that nobody writes to: it closes when the simulator ends, however that happens. */
  constructor(spec: ProcessSpec, clock: Clock) {
    this.#clock = clock;
    this.#stopMs = spec.stopMs;
    const log = openSync(spec.logFile, 'a', 0o600);
    try {
      this.#process = spawn(spec.command, spec.args, {
        env: spec.environment,
        cwd: spec.directory,
        stdio: ['pipe', log, log],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    this.pid = this.#process.pid;
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(`could not be started (${messageOf(error)})`));
      this.#process.once('exit', (code, signal) =>
        resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`),
      );
    });
  }

  get alive(): boolean {
    return this.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Asks it to end, and ends it when it takes too long. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    const limit = new AbortController();
    const killLater = this.#clock.sleep(this.#stopMs, limit.signal).then(
      () => this.kill(),
      () => undefined,
    );
    await this.ended;
    limit.abort();
    await killLater;
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined || !this.alive) return;
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      if (systemCodeOf(error) !== 'ESRCH') throw error;
    }
  }
}
