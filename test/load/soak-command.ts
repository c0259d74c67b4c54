import { parseArgs } from 'node:util';
import { runMain } from './main.js';
import { countOf } from './options.js';
import { soak } from './soak.js';

/** `npm run soak`: a registry for hours, in minutes; see `--help`. */

const HELP = `Usage: npm run soak -- [--minutes N] [--gc] [--json]

Pushes, pulls, deletes and collects garbage all the time, and looks whether memory, open files, handles and stored bytes
come back to where they were: by the slope of a line through their samples, after a warm-up.

  --minutes N  how long (10)
  --seconds N  instead
  --gc         a collection every second instead of every ten
  --json       one JSON object instead of lines
  --help       this text

The exit status is 0 only when nothing grew, nothing was refused wrongly, and no pull was broken.`;

await runMain(
  HELP,
  (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '10' },
        seconds: { type: 'string' },
        gc: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const seconds = values.seconds === undefined ? countOf(values.minutes) * 60 : countOf(values.seconds);
    return { ...values, ms: seconds * 1_000 };
  },
  ({ ms, gc }, say, signal) => soak({ ms, collectEveryMs: gc ? 1_000 : 10_000 }, say, signal),
);
