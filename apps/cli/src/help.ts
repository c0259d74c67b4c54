import type { Command, OptionRow } from './command.js';
import { COMMANDS } from './commands.js';
import { EXIT_CODE } from './exit-code.js';
import { COMMON_OPTIONS } from './parse-line.js';
import { textTable } from './text-table.js';

const CODES = `Exit codes: ${EXIT_CODE.ok} done, ${EXIT_CODE.failed} failed, ${EXIT_CODE.usage} the command line was not understood, ${EXIT_CODE.timeout} not in time.`;

/** What the program does. */
export function help(): string {
  const rows = COMMANDS.map(({ name, summary }) => [`  ${name}`, summary]);
  return [
    'Usage: meridian <command> [options]',
    '',
    textTable(rows),
    '',
    '`meridian <command> --help` tells more.',
    CODES,
  ].join('\n');
}

/** What one command does. */
export function commandHelp({ name, words, summary, options, examples }: Command): string {
  const all = { ...options, ...COMMON_OPTIONS };
  const rows = Object.entries(all).map(([option, row]) => [`  ${flagOf(option, row)}`, row.help]);
  return [
    `Usage: meridian ${[name, words, '[options]'].filter((part) => part !== '').join(' ')}`,
    '',
    summary,
    '',
    textTable(rows),
    '',
    ...examples.map((example) => `  ${example}`),
  ].join('\n');
}

/** The page of the documentation that is made of the table. */
export function page(): string {
  const intro = [
    '# The command line',
    '',
    "`npm run -s meridian -- <command>` (in an image: `node dist/apps/cli/src/main.js <command>`) asks a region's operators' port. The",
    'same can be had with curl: each command is one request to `/admin/v1/`, and `--json` shows its answer as it is. This page is made',
    'by `meridian help --markdown`.',
    '',
    CODES,
  ];
  const commands = COMMANDS.map((command) => `## ${command.name}\n\n\`\`\`text\n${commandHelp(command)}\n\`\`\``);
  return `${[intro.join('\n'), ...commands].join('\n\n')}\n`;
}

function flagOf(name: string, { value }: OptionRow): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}
