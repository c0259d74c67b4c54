import type { Say } from './run.js';
import { figureLine, type Outcome, passes, verdictLine } from './verdict.js';

export interface MainOptions {
  readonly json: boolean;
  readonly help: boolean;
}

/** What the commands have in common: options, progress, a verdict, an exit status, and an end when they are told to. */
export async function runMain<Options extends MainOptions>(
  help: string,
  read: (args: readonly string[]) => Options,
  run: (options: Options, say: Say, signal: AbortSignal) => Promise<Outcome>,
): Promise<void> {
  const say: Say = (line) => void process.stdout.write(`${line}\n`);
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));
  process.exitCode = 1;
  let options: Options;
  try {
    options = read(process.argv.slice(2));
  } catch (error) {
    say(`${(error as Error).message}\n\n${help}`);
    return;
  }
  if (options.help) {
    say(help);
    process.exitCode = 0;
    return;
  }
  try {
    const outcome = await run(options, options.json ? () => undefined : say, stopped.signal);
    tell(outcome, options.json, say);
    process.exitCode = passes(outcome) && !stopped.signal.aborted ? 0 : 1;
  } catch (error) {
    say(`FAIL: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

function tell(outcome: Outcome, json: boolean, say: Say): void {
  if (json) {
    say(JSON.stringify({ ...outcome, pass: passes(outcome) }));
    return;
  }
  for (const note of outcome.notes) say(note);
  for (const figure of outcome.figures) say(figureLine(figure));
  say(verdictLine(outcome));
}
