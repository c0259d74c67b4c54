import { systemClock, systemRandom } from '#libs/resilience';
import { parseArguments } from './arguments.js';
import { reportFailure } from './command-line.js';
import { HELP } from './help.js';
import { simulate } from './simulate.js';
import { openTerminal, type Terminal } from './terminal.js';

/** What programs read goes to standard output; then everything for people goes elsewhere. */
const isForPrograms = process.argv.includes('--json');
const terminal = openTerminal(isForPrograms ? process.stderr : process.stdout, process.env.NO_COLOR, () =>
  systemClock.monotonic(),
);

// Whatever was started has ended by now, or was given up; nothing that is left may keep this process.
process.exit(await main(process.argv.slice(2), terminal));

async function main(args: readonly string[], shown: Terminal): Promise<number> {
  const print = (text: string): void => {
    process.stdout.write(text);
  };
  try {
    const options = parseArguments(args);
    if (options.help) print(HELP);
    else
      await simulate({
        options,
        terminal: shown,
        clock: systemClock,
        random: systemRandom,
        environment: process.env,
        print,
      });
    return 0;
  } catch (error) {
    return reportFailure(
      error,
      openTerminal(process.stderr, process.env.NO_COLOR, () => systemClock.monotonic()),
    );
  }
}
