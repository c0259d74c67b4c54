import { systemClock, systemRandom } from '#libs/resilience';
import { reportFailure } from '../command-line.js';
import { openTerminal, type TerminalStream } from '../terminal.js';
import { HELP, parseDrillArguments } from './arguments.js';
import { runDrills } from './run-drills.js';

const NOT_HELD = 1;
const terminalOn = (stream: TerminalStream) =>
  openTerminal(stream, process.env.NO_COLOR, () => systemClock.monotonic());

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseDrillArguments(args);
    if (options.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const terminal = terminalOn(process.stdout);
    const holds = await runDrills({ options, terminal, clock: systemClock, random: systemRandom });
    return holds ? 0 : NOT_HELD;
  } catch (error) {
    return reportFailure(error, terminalOn(process.stderr));
  }
}
