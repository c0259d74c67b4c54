import { spawn } from 'node:child_process';
import { ROOT } from '../support/process.js';

/** Its last lines are enough to see why a program failed. */
const LINES_OF_A_FAILURE = 20;

export interface Outcome {
  readonly code: number | null;
  /** Both of its outputs, as they came. */
  readonly output: string;
}

export interface RunWith {
  /** For its standard input. */
  readonly input?: Uint8Array;
  /** Besides what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, whatever that is; `signal` kills it. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  { input, env }: RunWith = {},
): Promise<Outcome> {
  const child = spawn(program, args, {
    ...{ cwd: ROOT, env: { ...process.env, ...env }, signal, killSignal: 'SIGKILL' },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  // One that ends without reading says why by its code.
  child.stdin?.on('error', () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  }).catch((cause: unknown) => {
    const what = signal.aborted ? 'had no time to end' : 'could not be run';
    throw new Error(`${program} ${args.join(' ')} ${what}\n${lastLinesOf(output)}`, { cause });
  });
  return { code, output };
}

/** @returns what it wrote. @throws Error with the end of that, when it ended with another code than 0 */
export async function runWell(...asked: Parameters<typeof runToEnd>): Promise<string> {
  const [program, args] = asked;
  const { code, output } = await runToEnd(...asked);
  if (code === 0) return output;
  throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${lastLinesOf(output)}`);
}

const lastLinesOf = (output: string): string => output.trimEnd().split('\n').slice(-LINES_OF_A_FAILURE).join('\n');

export function docker(args: readonly string[], signal: AbortSignal, options: RunWith = {}): Promise<string> {
  return runWell('docker', args, signal, options);
}

export function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
