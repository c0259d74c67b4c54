/** The parts of `process` that an app's life depends on, so that a test can live it. */
export type ProcessHost = Pick<NodeJS.Process, 'env' | 'exit' | 'on' | 'stderr' | 'stdin'>;

/** Set by whoever starts this process and holds its standard input open for as long as it lives itself. */
const EXIT_WITH_PARENT = 'MERIDIAN_EXIT_WITH_PARENT';

/** Calls `stop` on the first SIGTERM or SIGINT, and ends the process on the second, for people who cannot wait. */
export function onStopSignal(host: ProcessHost, stop: (signal: NodeJS.Signals) => void): void {
  let asked = false;
  const hear = (signal: NodeJS.Signals) => {
    if (asked) host.exit(1);
    asked = true;
    stop(signal);
  };
  host.on('SIGTERM', hear);
  host.on('SIGINT', hear);
}

/** An error that nobody handled leaves the process in a state that nobody thought of. */
export function onUnhandledError(host: ProcessHost, report: (error: unknown) => void): void {
  const end = (error: unknown) => {
    report(error);
    host.exit(1);
  };
  host.on('uncaughtException', end);
  host.on('unhandledRejection', end);
}

/** Ends the process at once when its parent is gone: it was killed, so nobody waits for an orderly end. */
export function exitWithParent(host: ProcessHost, report: () => void): void {
  if (host.env[EXIT_WITH_PARENT] !== '1') return;
  const end = () => {
    report();
    host.exit(0);
  };
  host.stdin.once('end', end).once('error', end);
  host.stdin.resume();
}
