import type { Call, Command } from './command.js';
import { COMMANDS } from './commands.js';
import { EXIT_CODE, type ExitCode, UsageError } from './exit-code.js';
import { commandHelp, help, page } from './help.js';
import { OperatorClient, ServerError } from './operator-client.js';
import { parseLine, text, type Values } from './parse-line.js';
import { readEvents } from './read-events.js';

/** What the program has of the world. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ask: typeof fetch;
  readonly read: (file: string) => Promise<string>;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
  /** Aborts when the program is told to end. */
  readonly signal: AbortSignal;
}

const DEFAULT_URL = 'http://127.0.0.1:5001';

/** Runs one command line. Never rejects. */
export async function run(args: readonly string[], world: World): Promise<ExitCode> {
  try {
    return await dispatch(args, world);
  } catch (error) {
    if (world.signal.aborted) return EXIT_CODE.ok;
    world.complain(`meridian: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof UsageError) world.complain('`meridian help` tells what there is.');
    return error instanceof UsageError ? EXIT_CODE.usage : EXIT_CODE.failed;
  }
}

async function dispatch([name = 'help', ...args]: readonly string[], world: World): Promise<ExitCode> {
  if (['help', '--help', '-h'].includes(name)) {
    world.print(args.includes('--markdown') ? page().trimEnd() : help());
    return EXIT_CODE.ok;
  }
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) throw new UsageError(`no such command: ${name}`);
  const { words, values } = parseLine(command, args);
  if (values.help === true) {
    world.print(commandHelp(command));
    return EXIT_CODE.ok;
  }
  const client = new OperatorClient(originOf(values, world), world.ask);
  const call = await command.call({ words, values, read: world.read });
  if ('known' in call) return report(command, 200, call.known, values, world);
  if (command.kind === 'stream') return follow(client, call, values, world);
  const { status, body } = await client.call(call, world.signal);
  return report(command, status, body, values, world);
}

function report(command: Command, status: number, body: unknown, values: Values, world: World): ExitCode {
  const late = status === 504;
  if (status >= 400 && !late) throw new ServerError(refusalOf(status, body));
  const shown = values.json === true ? undefined : command.show;
  world.print(shown === undefined ? JSON.stringify(body, undefined, 2) : shown(body as never));
  if (late) world.complain('meridian: not in time');
  if (late) return EXIT_CODE.timeout;
  return command.fails?.(body as never) === true ? EXIT_CODE.failed : EXIT_CODE.ok;
}

async function follow(client: OperatorClient, call: Call, values: Values, world: World): Promise<ExitCode> {
  const events = await client.stream(call, text(values, 'after'), world.signal);
  for await (const { event, id, data } of readEvents(events)) {
    world.print(values.json === true ? `{"event":"${event}","id":"${id}","data":${data}}` : `${id}\t${event}\t${data}`);
  }
  throw new ServerError('the stream has ended: the registry is stopping; --after goes on where it ended');
}

function originOf(values: Values, { env }: World): string {
  const url = text(values, 'url') ?? (env.MERIDIAN_URL || DEFAULT_URL);
  if (/^https?:\/\/./.test(url) && URL.canParse(url)) return url;
  throw new UsageError(`not a URL: ${url}; it looks like ${DEFAULT_URL}`);
}

/** What the server said, in its own words. */
function refusalOf(status: number, body: unknown): string {
  const { error, message } = body as { readonly error?: unknown; readonly message?: unknown };
  return `the server answered ${status}: ${[error, message].find((said) => typeof said === 'string') ?? JSON.stringify(body)}`;
}
