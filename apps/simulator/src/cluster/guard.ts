import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WATCHDOG = fileURLToPath(new URL('./watchdog.js', import.meta.url));

/** A watchdog that cannot live at all must not be started for ever. */
const MOST_LIVES = 10;

/** Keeps the watchdog informed, and alive. */
export class Guard {
  readonly #groups = new Set<number>();
  #process: ChildProcess | undefined;
  #closed = false;
  #lives = 0;

  /** `program`: for whoever runs the sources as they are; the watchdog is a compiled one. */
  constructor(private readonly program = WATCHDOG) {}

  /** A process group began. */
  add(group: number): void {
    this.#groups.add(group);
    if (this.#process === undefined) this.#spawn();
    else this.#tell(`+${group}\n`);
  }

  /** It has ended: its number may soon be somebody else's. */
  remove(group: number): void {
    this.#groups.delete(group);
    this.#tell(`-${group}\n`);
  }

  /** The watchdog ends what is left, and itself. */
  async close(): Promise<void> {
    this.#closed = true;
    const watchdog = this.#process;
    if (watchdog === undefined || watchdog.exitCode !== null || watchdog.signalCode !== null) return;
    watchdog.stdin?.end();
    await once(watchdog, 'exit');
  }

  #spawn(): void {
    const watchdog = spawn(process.execPath, [this.program], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#process = watchdog;
    this.#lives += 1;
    // What cannot be told to a watchdog that died is told to the next one.
    watchdog.stdin?.on('error', () => undefined);
    watchdog.once('error', () => undefined);
    watchdog.once('exit', () => {
      if (!this.#closed && this.#lives < MOST_LIVES) this.#spawn();
    });
    for (const group of this.#groups) this.#tell(`+${group}\n`);
  }

  #tell(line: string): void {
    this.#process?.stdin?.write(line);
  }
}
