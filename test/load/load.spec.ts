import { expect, it } from '@jest/globals';
import { fuzzParsers } from './fuzz-parsers.js';
import { memory } from './memory.js';
import { overload } from './overload.js';
import { sigterm } from './sigterm.js';
import { slowClients } from './slow-clients.js';
import { type Outcome, verdictLine } from './verdict.js';

/** A share of each of `npm run load`: what takes longer finds more, and how fast it is is for the command to judge. */

const quiet = (): void => undefined;
const NEVER = new AbortController().signal;

it.each<[string, () => Promise<Outcome>]>([
  ['reads whatever comes', () => fuzzParsers({ inputs: 20_000, seed: 1 }, quiet, NEVER)],
  [
    'answers more clients than it can serve',
    () => overload({ stepMs: 500, overloadMs: 2_000, leastShare: 10 }, quiet, NEVER),
  ],
  ['bears slow clients', () => slowClients({ readers: 60, uploads: 30, overMs: 2_000 }, quiet, NEVER)],
  ['loses nothing when it is told to end', () => sigterm({ rounds: 2 }, quiet, NEVER)],
  ['needs as much memory for larger blobs', () => memory({ clients: 64, blobMib: 32 }, quiet, NEVER)],
])('%s', async (_what, run) => {
  const outcome = await run();
  expect([verdictLine(outcome), ...outcome.notes]).toEqual([expect.stringMatching(/^PASS: /), ...outcome.notes]);
});
