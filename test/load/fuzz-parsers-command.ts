import { parseArgs } from 'node:util';
import { fuzzParsers } from './fuzz-parsers.js';
import { runMain } from './main.js';
import { countOf } from './options.js';

/** `npm run fuzz -- --parsers N`; its help is that of `npm run fuzz`. */

await runMain(
  'npm run fuzz -- --parsers N [--seed N] [--json]',
  (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        parsers: { type: 'string', default: '1000000' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return { ...values, inputs: countOf(values.parsers), seed: countOf(values.seed) };
  },
  ({ inputs, seed }, say, signal) => fuzzParsers({ inputs, seed }, say, signal),
);
