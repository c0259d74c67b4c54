import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, Problem } from '../problem.js';
import { parseTarget, TARGET_HELP, TARGET_OPTIONS, type TargetChoice } from '../target/open-target.js';
import { SIZE_NAMES, type SizeName } from './image-sizes.js';
import type { Extent } from './measurement.js';

export interface MeasureOptions {
  readonly help: boolean;
  readonly target: TargetChoice;
  readonly extent: Extent;
  readonly outDirectory: string | undefined;
  /** A report that is there already: drawn again, and nothing measured. */
  readonly from: string | undefined;
  /** Documents whose figures are replaced. */
  readonly documents: readonly string[];
  readonly metricsPort: number | undefined;
}

/** Enough for a 99th percentile of small ones; large ones take a minute each. */
const REPEATS = { small: 100, medium: 10, large: 3 };
const ROUNDS = { small: 5, medium: 2, large: 1 };
const QUICK_REPEATS = 3;
const QUICK_ROUNDS = 1;
const QUICK_SCALE = 0.04;
const MOST_REPEATS = 10_000;

export const HELP = `Usage: npm run simulate -- [options]

Pushes images of three sizes, waits until they are in every region, and measures pulls of clients in each region: warm, cold,
while replicating, with the client's own region down; through the router, from the own replica, and from the primary.
Exits with 1 when a region's own replica is not at least 60 % faster than the primary.

What is measured
  --sizes a,b,...     of ${SIZE_NAMES.join(', ')}: 10 MB, 250 MB in 8 layers, 1 GB that shares a base with it   (all)
  --repeats N         warm pulls of each kind                    (${REPEATS.small}, ${REPEATS.medium} and ${REPEATS.large}; cold ones are fewer)
  --rounds N          pushes for each kind of cold pull          (${ROUNDS.small}, ${ROUNDS.medium} and ${ROUNDS.large}; 0 leaves cold ones out)
  --no-faults         no region is taken down: for a cluster that others use
  --quick             a look, in a minute or two: small and medium, both at ${QUICK_SCALE * 100} % of their size, ${QUICK_REPEATS} times each

Where the result goes, besides the table
  --out DIR           report.json, report.html, report.prom and pictures
  --document FILE     puts the figures between the marks of a Markdown file; more than once for more files
  --serve-metrics N   the figures so far in Prometheus' format, at http://127.0.0.1:N/metrics while it runs
  --from FILE         measures nothing: makes everything again from a report.json

${TARGET_HELP}

Examples
  npm run simulate -- --quick
  npm run simulate -- --out docs/simulation --document README.md --document docs/simulation.md
  npm run simulate -- --against compose --sizes small,medium
`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  help: { type: 'boolean', short: 'h', default: false },
  sizes: { type: 'string' },
  repeats: { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  'no-faults': { type: 'boolean', default: false },
  out: { type: 'string' },
  document: { type: 'string', multiple: true },
  from: { type: 'string' },
  'serve-metrics': { type: 'string' },
} as const;

/** @throws Problem that names the option and what it takes */
export function parseMeasureArguments(args: readonly string[]): MeasureOptions {
  const values = parseValues(args);
  const port = values['serve-metrics'];
  return {
    help: values.help,
    target: parseTarget(values),
    extent: parseExtent(values),
    outDirectory: values.out === undefined ? undefined : resolve(values.out),
    from: values.from === undefined ? undefined : resolve(values.from),
    documents: (values.document ?? []).map((file) => resolve(file)),
    metricsPort: port === undefined ? undefined : parseWhole('--serve-metrics', port, 1, 65_535),
  };
}

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    const [firstSentence] = messageOf(error).split('. ');
    throw new Problem(`${firstSentence} (--help lists the options)`, { cause: error });
  }
}

interface ExtentValues {
  readonly sizes?: string | undefined;
  readonly repeats?: string | undefined;
  readonly rounds?: string | undefined;
  readonly quick: boolean;
  readonly 'no-faults': boolean;
}

function parseExtent({ sizes, repeats, rounds, quick, 'no-faults': noFaults }: ExtentValues): Extent {
  const all = (count: number): Extent['repeats'] => ({ small: count, medium: count, large: count });
  const counted = (option: string, text: string | undefined, least: number, otherwise: Extent['repeats']) =>
    text === undefined ? otherwise : all(parseWhole(option, text, least, MOST_REPEATS));
  return {
    sizes: parseSizes(sizes ?? (quick ? 'small,medium' : SIZE_NAMES.join(','))),
    scale: quick ? QUICK_SCALE : 1,
    repeats: counted('--repeats', repeats, 1, quick ? all(QUICK_REPEATS) : REPEATS),
    rounds: counted('--rounds', rounds, 0, quick ? all(QUICK_ROUNDS) : ROUNDS),
    faults: !noFaults,
  };
}

/** In the order of their size, however they are named. */
function parseSizes(text: string): readonly SizeName[] {
  const wanted = text.split(',').map((part) => part.trim());
  const unknown = wanted.filter((name) => !SIZE_NAMES.some((size) => size === name));
  if (unknown.length > 0)
    throw new Problem(`--sizes takes ${SIZE_NAMES.join(', ')}, not ${JSON.stringify(unknown[0])}`);
  return SIZE_NAMES.filter((name) => wanted.includes(name));
}

function parseWhole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Problem(`${option} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}
