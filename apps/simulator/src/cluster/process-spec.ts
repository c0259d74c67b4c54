/** One process that the simulator starts, watches, and starts again when it dies. */
export interface ProcessSpec {
  /** Names its log too: `eastus-registry`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Where it runs, and keeps what it is not told a place for. */
  readonly directory: string;
  readonly logFile: string;
  /** One try, which says whether the process does its work. Never throws. */
  readonly isReady: (signal: AbortSignal) => Promise<boolean>;
  /** How long it may take from SIGTERM to its end before it is killed. */
  readonly stopMs: number;
}
