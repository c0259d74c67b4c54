import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { withToolsOnPath } from '../../scripts/lib/tool-cache.mjs';
import { waitFor } from './wait-for.js';

export interface ProcessSpec {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** True, or resolved to true, once it can be used; asked again and again. */
  readonly isReady: () => boolean | Promise<boolean>;
  readonly readyWithinMs?: number;
}

/** The end of what a program wrote is enough to see why it failed. */
const LOG_CHARACTERS = 64 * 1024;
const STOP_WITHIN_MS = 30_000;

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A program that was started by a test, and is stopped by it. */
export class TestProcess {
  #log = '';

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-LOG_CHARACTERS);
      });
    }
  }

  /** Resolves when the program can be used; rejects with its log when it ended, or is not ready in time. */
  static async start(spec: ProcessSpec): Promise<TestProcess> {
    const child = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd ?? ROOT,
      env: { ...withToolsOnPath(), ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child, 'spawn');
    const started = new TestProcess(spec.name, child);
    try {
      await started.#becomesReady(spec);
      return started;
    } catch (cause) {
      await started.kill();
      throw new Error(`${spec.name} did not start:\n${started.log}`, { cause });
    }
  }

  async #becomesReady({ name, isReady, readyWithinMs = 30_000 }: ProcessSpec): Promise<void> {
    await waitFor(async () => this.hasExited || (await isReady()), {
      what: `${name} to be ready`,
      withinMs: readyWithinMs,
    });
    if (this.hasExited) throw new Error(`${name} ended with ${this.child.signalCode ?? this.child.exitCode}`);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} was never started`);
    return this.child.pid;
  }

  /** What it wrote, to both of its outputs; the last 64 Ki characters. */
  get log(): string {
    return this.#log;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks it to end and resolves to its exit status, or the signal that ended it. Rejects when it does not end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', withinMs = STOP_WITHIN_MS): Promise<number | NodeJS.Signals> {
    this.signal(signal);
    try {
      await waitFor(() => this.hasExited, { what: `${this.name} to end after ${signal}`, withinMs });
    } catch (cause) {
      await this.kill();
      throw new Error(`${this.name} had to be killed:\n${this.log}`, { cause });
    }
    return this.child.exitCode ?? this.child.signalCode ?? 'SIGKILL';
  }

  /** Ends it at once, as a power failure would. */
  async kill(): Promise<void> {
    if (this.hasExited) return;
    const gone = once(this.child, 'exit');
    this.signal('SIGKILL');
    await gone;
  }
}

/** Starts one of this project's programs from dist/: `startNode({ name: 'router', script: 'apps/router/src/main.js', … })`. */
export function startNode({
  script,
  args = [],
  ...spec
}: Omit<ProcessSpec, 'command' | 'args'> & {
  readonly script: string;
  readonly args?: readonly string[];
}): Promise<TestProcess> {
  return TestProcess.start({ ...spec, command: process.execPath, args: [`${ROOT}dist/${script}`, ...args] });
}

/** Whether any process of that id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
