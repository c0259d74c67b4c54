import { HELP, readOptions } from './options.js';
import { explanation, verdict } from './report.js';
import { run } from './run.js';

/** `npm run nemesis`: three real regions and everything that can happen to them; see `--help`. */

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));

try {
  process.exitCode = await main();
} catch (error) {
  say(`nemesis: FAIL, ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
}

// Clients of a run that was stopped or failed still wait for something.
process.exit();

async function main(): Promise<number> {
  const options = parsed();
  if (options === undefined) return 2;
  if (options.help) {
    say(HELP);
    return 0;
  }
  const report = await run(options, options.json ? () => undefined : say, stopped.signal);
  if (options.json) {
    const { operations, ...rest } = report;
    say(JSON.stringify({ ...rest, operations: operations.length, pass: report.violations.length === 0 }));
  } else {
    for (const line of explanation(report)) say(line);
    say(verdict(report));
  }
  return report.violations.length === 0 ? 0 : 1;
}

function parsed(): ReturnType<typeof readOptions> | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return undefined;
  }
}
