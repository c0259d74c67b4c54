import { fileURLToPath } from 'node:url';
import type { Clock } from '#libs/resilience';
import type { ProcessSpec } from './process-spec.js';
import { answersOk } from './readiness.js';

export type App = 'registry' | 'replicator' | 'router';

/** What running transfers get to finish in: a simulation is not worth a longer wait. */
export const GRACE_MS = 5_000;
/** The rest of a graceful end: jobs are handed back, connections closed. */
const AFTER_GRACE_MS = 5_000;

export interface AppPlace {
  readonly name: string;
  readonly app: App;
  readonly operatorPort: number;
  readonly configFile: string;
  readonly logFile: string;
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

export function appProcess(place: AppPlace): ProcessSpec {
  return {
    name: place.name,
    command: process.execPath,
    args: [fileURLToPath(new URL(`../../../${place.app}/src/main.js`, import.meta.url))],
    environment: {
      ...place.environment,
      MERIDIAN_CONFIG: place.configFile,
      // Its standard input closes when the simulator is gone; then it stops as if it was asked to.
      MERIDIAN_EXIT_WITH_PARENT: '1',
    },
    directory: place.directory,
    logFile: place.logFile,
    isReady: (signal) => answersOk(`http://127.0.0.1:${place.operatorPort}/health/ready`, place.clock, signal),
    stopMs: GRACE_MS + AFTER_GRACE_MS,
  };
}
