import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchArguments, helpText, parseBenchArguments } from './lib/arguments.js';
import { writeDocument } from './lib/document.js';
import { describeMachine } from './lib/machine.js';
import { Progress } from './lib/progress.js';
import { type RowResult, runRow } from './lib/runner.js';
import type { Suite } from './lib/suite.js';
import { rowLines } from './lib/table.js';
import { registrySuite } from './registry/suite.js';

/** `npm run bench`; see `--help`. A suite more is a line more here. */
const SUITES: readonly [Suite, ...Suite[]] = [registrySuite];

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stopped.abort(new Error('interrupted')));
process.on('unhandledRejection', (error) => stopped.abort(error));

try {
  const given = parseBenchArguments(process.argv.slice(2), SUITES);
  if (given.help) process.stdout.write(`${helpText(SUITES)}\n`);
  else if (given.list)
    for (const row of given.suite.rows) process.stdout.write(`${row.name.padEnd(26)} ${row.title}\n`);
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
    const results = await measure(given, directory, say);
    const text = `${JSON.stringify({ suite: suite.name, size, machine, rows: results }, undefined, 2)}\n`;
    if (json) process.stdout.write(text);
    if (out !== undefined) await writeFile(out, text);
    say(`\n${summaryOf(results)}`);
    if (results.some(({ verdicts }) => verdicts.some(({ seen }) => Number.isNaN(seen)))) process.exitCode = 1;
    if (!given.writesDocument) return;
    await writeDocument({ suite, machine, size, results });
    say(`written: ${suite.document}, ${suite.picture}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function summaryOf(results: readonly RowResult[]): string {
  const verdicts = results.flatMap((result) => result.verdicts);
  return `${verdicts.filter(({ met }) => met).length} of ${verdicts.length} wanted figures met`;
}

async function measure({ rows, rounds, size }: BenchArguments, directory: string, say: (line: string) => void) {
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
  }
  return results;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
