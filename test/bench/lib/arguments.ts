import { parseArgs } from 'node:util';
import type { Row, Size, Suite } from './suite.js';

export interface BenchArguments {
  readonly suite: Suite;
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly size: Size;
  /** A run of all rows, at sizes that mean something. */
  readonly writesDocument: boolean;
  readonly json: boolean;
  readonly out: string | undefined;
  /** Files that `--out` wrote: the document is made of them, and nothing is measured. */
  readonly from: readonly string[];
  readonly help: boolean;
  readonly list: boolean;
}

const ROUNDS: Readonly<Record<Size, number>> = { quick: 1, usual: 3, full: 3 };

/** @throws Error whose message says what is wrong with the arguments, and what there is */
export function parseBenchArguments(args: readonly string[], suites: readonly [Suite, ...Suite[]]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      contenders: { type: 'string' },
      from: { type: 'string' },
      rounds: { type: 'string' },
      full: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const suite = suiteOf(positionals, suites);
  const size = values.quick ? 'quick' : values.full ? 'full' : 'usual';
  const { json, out, help, list, only, contenders } = values;
  const writesDocument = only === undefined && contenders === undefined && size !== 'quick';
  return {
    suite,
    rows: withOnly(contenders, rowsOf(only, suite), suite),
    rounds: roundsOf(values.rounds) ?? ROUNDS[size],
    size,
    writesDocument,
    json,
    out,
    from: values.from?.split(',') ?? [],
    help,
    list,
  };
}

function suiteOf([name, ...more]: readonly string[], suites: readonly [Suite, ...Suite[]]): Suite {
  const suite = name === undefined ? suites[0] : suites.find((each) => each.name === name);
  if (suite === undefined || more.length > 0)
    throw new Error(`one suite at a time: ${suites.map((each) => each.name).join(', ')}`);
  return suite;
}

function rowsOf(only: string | undefined, { rows }: Suite): readonly Row[] {
  if (only === undefined) return rows;
  return only.split(',').map((name) => {
    const row = rows.find((each) => each.name === name);
    if (row === undefined)
      throw new Error(`there is no row ${name}; there are: ${rows.map((each) => each.name).join(', ')}`);
    return row;
  });
}

/** The rows without the contenders that are not named, nor what is wanted of them or beside them. */
function withOnly(names: string | undefined, rows: readonly Row[], { contenders }: Suite): readonly Row[] {
  if (names === undefined) return rows;
  const kept = names.split(',');
  const unknown = kept.filter((name) => !(name in contenders));
  if (unknown.length > 0)
    throw new Error(`nobody is called ${unknown.join(', ')}; there are: ${Object.keys(contenders).join(', ')}`);
  return rows
    .map((row) => ({
      ...row,
      contenders: row.contenders.filter((name) => kept.includes(name)),
      wanted: row.wanted.filter(({ of, against = of }) => kept.includes(of) && kept.includes(against)),
    }))
    .filter((row) => row.contenders.length > 0);
}

function roundsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d?$/.test(text)) throw new Error('--rounds takes a number from 1 to 99');
  return Number(text);
}

export function helpText(suites: readonly Suite[]): string {
  return `Usage: npm run bench -- [suite] [--only row,row] [--contenders name,name] [--rounds N] [--quick | --full] [--json] [--out FILE]

Starts everything that is compared on this machine, measures it in turn, and says which wanted figures are met.

Suites:
${suites.map(({ name, summary, document }) => `  ${name.padEnd(14)} ${summary}; writes ${document}`).join('\n')}

  --only row,row    only these rows; the document is written by a run of everything
  --contenders a,b  only these; rows without any of them are left out
  --rounds N        how often everything is measured (3; with --quick 1)
  --quick           small sizes: to see that it runs, not for figures
  --full            sizes that take long as well: 1 GiB uploads, 100,000 tags and repositories (an hour or more)
  --json            the result as JSON on standard output; progress goes to standard error
  --out FILE        the result as JSON into a file
  --from FILE,FILE  measures nothing: writes the document from files of --out, of which later ones count more
  --list            the rows

Examples:
  npm run bench
  npm run bench -- --only manifest-get,head-tag --contenders meridian-fs,distribution-fs
  npm run bench -- --only push-mono-minio --rounds 5 --out /tmp/push.json
  BENCH_PROFILE=/tmp/profiles npm run bench -- --only redirect --rounds 1   (a .cpuprofile of each Meridian)`;
}
