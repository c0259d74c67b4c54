import { parseArgs } from 'node:util';
import type { Command, OptionRow } from './command.js';
import { UsageError } from './exit-code.js';

export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** What every command takes. */
export const COMMON_OPTIONS = {
  url: {
    type: 'string',
    value: 'URL',
    help: "a region's operators' port (else MERIDIAN_URL, else http://127.0.0.1:5001)",
  },
  json: { type: 'boolean', help: 'the answer as JSON, for scripts' },
  help: { type: 'boolean', help: 'what the command does, with examples' },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** @throws UsageError for options that the command does not have */
export function parseLine(
  command: Command,
  args: readonly string[],
): { readonly words: readonly string[]; readonly values: Values } {
  const rows = Object.entries({ ...COMMON_OPTIONS, ...command.options });
  const options = Object.fromEntries(rows.map(([name, { type }]) => [name, { type }]));
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    return { words: positionals, values: values as Values };
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}

function messageOf(cause: unknown): string {
  const known = typeof cause === 'object' && cause !== null && 'message' in cause;
  return known ? String(cause.message) : 'the options were not understood';
}

/** `team/app:v1` or `team/app@sha256:…`. @throws UsageError */
export function imageOf(words: readonly string[]): { readonly repository: string; readonly reference: string } {
  const [image = '', ...more] = words;
  const at = image.includes('@') ? image.lastIndexOf('@') : image.lastIndexOf(':');
  if (more.length > 0 || at < 1 || at === image.length - 1) {
    throw new UsageError('one image is needed, as <repository>:<tag> or <repository>@<digest>');
  }
  return { repository: image.slice(0, at), reference: image.slice(at + 1) };
}

/** The name of one region. @throws UsageError */
export function regionOf(words: readonly string[]): string {
  const [region = '', ...more] = words;
  if (more.length === 0 && /^[a-z0-9-]+$/.test(region)) return region;
  throw new UsageError('one region is needed, by its name');
}

/** A list of limits, or an object that holds one. @throws UsageError */
export function limitsOf(content: string): string {
  try {
    const value: unknown = JSON.parse(content);
    return JSON.stringify(Array.isArray(value) ? { limits: value } : value);
  } catch (cause) {
    throw new UsageError('the limits are no JSON', { cause });
  }
}

/** @throws UsageError if anything follows the command */
export function noWords(words: readonly string[]): void {
  if (words.length > 0) throw new UsageError(`nothing more was expected: ${words.join(' ')}`);
}

/** An option's text, if it was given. */
export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}
