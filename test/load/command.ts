import { runMain } from './main.js';
import { memory } from './memory.js';
import { HELP, type LoadOptions, readOptions } from './options.js';
import { overload } from './overload.js';
import type { Say } from './run.js';
import { sigterm } from './sigterm.js';
import { slowClients } from './slow-clients.js';
import type { Outcome } from './verdict.js';

/** `npm run load`: more than a registry can do; see `--help`. */

const STEP_MS = 2_000;
/** In percent: most of what it could do without the others. */
const LEAST_SHARE = 50;

function run(options: LoadOptions, say: Say, signal: AbortSignal): Promise<Outcome> {
  const { rounds, seconds, readers, uploads, overSeconds, clients, mib } = options;
  switch (options.kind) {
    case 'overload':
      return overload({ stepMs: STEP_MS, overloadMs: seconds * 1_000, leastShare: LEAST_SHARE }, say, signal);
    case 'slow':
      return slowClients({ readers, uploads, overMs: overSeconds * 1_000 }, say, signal);
    case 'sigterm':
      return sigterm({ rounds }, say, signal);
    case 'memory':
      return memory({ clients, blobMib: mib }, say, signal);
  }
}

await runMain(HELP, readOptions, run);
