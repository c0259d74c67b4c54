import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchArguments, helpText, parseBenchArguments } from './lib/arguments.js';
import { writeDocument } from './lib/document.js';
import { describeMachine, type Machine } from './lib/machine.js';
import { Progress } from './lib/progress.js';
import { judge, type RowResult, runRow } from './lib/runner.js';
import type { Suite } from './lib/suite.js';
import { rowLines } from './lib/table.js';
import { registrySuite } from './registry/suite.js';
import { replicationSuite } from './replication/suite.js';

/** `npm run bench`; see `--help`. A suite more is a line more here. */
const SUITES: readonly [Suite, ...Suite[]] = [registrySuite, replicationSuite];

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stopped.abort(new Error('interrupted')));
process.on('unhandledRejection', (error) => stopped.abort(error));

try {
  const given = parseBenchArguments(process.argv.slice(2), SUITES);
  if (given.help) process.stdout.write(`${helpText(SUITES)}\n`);
  else if (given.list)
    for (const row of given.suite.rows) process.stdout.write(`${row.name.padEnd(26)} ${row.title}\n`);
  else if (given.from.length > 0) await document(given);
  else await bench(given);
} catch (error) {
  process.stderr.write(`bench: ${stopped.signal.aborted ? stopped.signal.reason : describe(error)}\n`);
  process.exitCode = 1;
}

async function bench(given: BenchArguments): Promise<void> {
  const { suite, size, json, out } = given;
  const say = (line: string) => (json ? process.stderr : process.stdout).write(`${line}\n`);
  const directory = await mkdtemp(join(tmpdir(), 'meridian-bench-'));
  try {
    const machine = await describeMachine();
    const text = (rows: readonly RowResult[]) =>
      `${JSON.stringify({ suite: suite.name, size, machine, rows }, undefined, 2)}\n`;
    // After each row: what was measured is not lost when the run is interrupted.
    const keep = async (rows: readonly RowResult[]) => (out === undefined ? undefined : writeFile(out, text(rows)));
    const results = await measure(given, directory, say, keep);
    if (json) process.stdout.write(text(results));
    say(`\n${summaryOf(results)}`);
    if (results.some(({ verdicts }) => verdicts.some(({ seen }) => Number.isNaN(seen)))) process.exitCode = 1;
    if (!given.writesDocument) return;
    await writeDocument({ suite, machine, size, results });
    say(`written: ${suite.document}, ${suite.picture}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Kept {
  readonly size: string;
  readonly machine: Machine;
  readonly rows: readonly RowResult[];
}

async function document({ suite, from }: BenchArguments): Promise<void> {
  const kept = await Promise.all(from.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Kept));
  const last = kept.at(-1);
  if (last === undefined) return;
  const byName = new Map(kept.flatMap(({ rows }) => rows.map((row) => [row.name, row] as const)));
  const results = suite.rows.flatMap(({ name, wanted }) => {
    const result = byName.get(name);
    return result === undefined ? [] : [{ ...result, verdicts: wanted.map((each) => judge(each, result.medians)) }];
  });
  await writeDocument({ suite, machine: last.machine, size: last.size, results });
}

function summaryOf(results: readonly RowResult[]): string {
  const verdicts = results.flatMap((result) => result.verdicts);
  return `${verdicts.filter(({ met }) => met).length} of ${verdicts.length} wanted figures met`;
}

async function measure(
  { rows, rounds, size }: BenchArguments,
  directory: string,
  say: (line: string) => void,
  keep: (results: readonly RowResult[]) => Promise<void>,
) {
  const progress = new Progress(rows, rounds, say);
  const results: RowResult[] = [];
  for (const [index, row] of rows.entries()) {
    progress.starts(row, index);
    const onSample = (round: number, contender: string) => progress.samples(row, round, contender);
    const onFailure = (contender: string, error: unknown) => say(`  ${contender} FAILED: ${describe(error)}`);
    const result = await runRow(row, { directory, rounds, size, signal: stopped.signal, onSample, onFailure });
    for (const line of rowLines(row, result)) say(line);
    progress.ended(row);
    results.push(result);
    await keep(results);
  }
  return results;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
