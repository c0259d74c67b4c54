import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { ROOT } from '../../support/process.js';
import type { Machine } from './machine.js';
import { pictureOf } from './picture.js';
import type { RowResult, Verdict } from './runner.js';
import type { Row, Suite } from './suite.js';
import { figure, wantedText } from './table.js';

/** A document holds the figures of several suites, each between marks of its own. */
function marksOf({ section }: Suite): { readonly begin: string; readonly end: string } {
  const name = section === undefined ? 'measured' : `measured ${section}`;
  return { begin: `<!-- ${name}: begin -->`, end: `<!-- ${name}: end -->` };
}

export interface Measured {
  readonly suite: Suite;
  readonly machine: Machine;
  readonly size: string;
  readonly results: readonly RowResult[];
}

/** Puts the figures between the two marks of the suite's document; what people wrote around them stays. */
export async function writeDocument(measured: Measured): Promise<void> {
  const { suite } = measured;
  const path = join(ROOT, suite.document);
  const text = await readFile(path, 'utf8');
  const { begin, end } = marksOf(suite);
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${suite.document} has no place for figures: ${begin} … ${end}`);
  const figures = measuredText(measured);
  await writeFile(path, `${text.slice(0, before)}${begin}\n\n${figures}\n${text.slice(after)}`);
  const picture = join(ROOT, suite.picture);
  await mkdir(dirname(picture), { recursive: true });
  await writeFile(picture, pictureOf(suite, measured.results));
}

export function measuredText({ suite, machine, size, results }: Measured): string {
  const { processor, cores, memoryGiB, system, node, disk, day, revision } = machine;
  const picture = relative(dirname(suite.document), suite.picture);
  const rounds = Math.max(...results.map((result) => result.rounds));
  return [
    `Measured on ${day} at ${revision}: ${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, ${disk}, Node ${node.slice(1)}; ` +
      `medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, sizes: ${size}. Clients, servers and stores share these cores${busyText(machine)}.`,
    `![Each row's contenders as bars](${picture})`,
    '### What is wanted, and what was seen',
    verdictTable(suite, results),
    '### Who takes part',
    ['| | |', '| --- | --- |', ...Object.entries(suite.contenders).map(([name, what]) => `| ${name} | ${what} |`)].join(
      '\n',
    ),
    '### All figures',
    ...results.flatMap((result) => rowText(rowOf(suite, result), result)),
    '',
  ].join('\n\n');
}

/** Who reads the figures of a machine that did other things as well has to know. */
function busyText({ load = 0, cores }: Machine): string {
  return load <= cores ? '' : `, and ${load} other programs wanted them when it began`;
}

function verdictTable(suite: Suite, results: readonly RowResult[]): string {
  const lines = results.flatMap((result) => {
    const row = rowOf(suite, result);
    return result.verdicts.map((verdict, index) => verdictLine(row, verdict, index === 0));
  });
  return ['| measured | wanted | seen | |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function verdictLine(row: Row, verdict: Verdict, isFirst: boolean): string {
  const title = isFirst ? `${row.title} (\`${row.name}\`)` : '';
  const word = Number.isNaN(verdict.seen) ? 'not measured' : verdict.met ? 'met' : '**missed**';
  return `| ${title} | ${wantedText(verdict, row)} | ${figure(verdict.seen)} | ${word} |`;
}

function rowText(row: Row, { medians, missing }: RowResult): readonly string[] {
  const metrics = [...new Set(Object.values(medians).flatMap((values) => Object.keys(values)))];
  const heads = metrics.map((metric) => (metric === row.metric ? `${metric} (${row.unit})` : metric));
  const lines = Object.entries(medians).map(
    ([name, values]) => `| ${name} | ${metrics.map((metric) => figure(values[metric] ?? Number.NaN)).join(' | ')} |`,
  );
  return [
    `**${row.name}**: ${row.title}`,
    [`| | ${heads.join(' | ')} |`, `| --- |${' ---: |'.repeat(heads.length)}`, ...lines].join('\n'),
    ...Object.entries(missing).map(([name, why]) => `Left out: ${name}, because ${why}.`),
  ];
}

function rowOf({ rows }: Suite, { name }: RowResult): Row {
  const row = rows.find((each) => each.name === name);
  if (row === undefined) throw new Error(`there is no row ${name}`);
  return row;
}
