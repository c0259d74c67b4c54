import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.js';
import { findGroup } from '../measure/sample.js';
import { Problem } from '../problem.js';
import { formatMegabytes, formatMs } from './format.js';
import { renderHtml } from './html.js';
import { drawPictures } from './pictures.js';
import { renderPrometheus } from './prometheus.js';
import type { Report } from './report.js';

/** Writes the report in all its forms. @returns the files */
export async function writeReport(report: Report, directory: string): Promise<readonly string[]> {
  const files: readonly (readonly [string, string])[] = [
    ['report.json', `${JSON.stringify(report, shortened, 2)}\n`],
    ['report.html', renderHtml(report)],
    ['report.prom', await renderPrometheus(report)],
    ...drawPictures(report).map(({ name, svg }) => [`${name}.svg`, svg] as const),
  ];
  await mkdir(directory, { recursive: true });
  for (const [name, text] of files) await writeFileAtomically(join(directory, name), text);
  return files.map(([name]) => join(directory, name));
}

/** Microseconds are noise. */
function shortened(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(DECIMALS)) : value;
}

const DECIMALS = 2;

const BEGIN = '<!-- measured by npm run simulate -->';
const END = '<!-- end of what was measured -->';

/** Puts the figures between the two marks of a document. @throws Problem for one without marks */
export async function updateDocument(path: string, report: Report): Promise<void> {
  await writeFileAtomically(path, replaceMarked(await readFile(path, 'utf8'), renderMarkdown(report), path));
}

export function replaceMarked(text: string, figures: string, path: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to < from) throw new Problem(`${path} has no place for figures: ${BEGIN} … ${END}`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${figures}\n${text.slice(to)}`;
}

/** The result in short: the size that is judged, warm, each region. */
export function renderMarkdown(report: Report): string {
  const size = report.verdicts[0]?.size ?? 'medium';
  const bytes = report.sizes.find(({ name }) => name === size)?.bytes ?? 0;
  const rows = report.regions.map(({ name: region }) => {
    const wholeMs = (source: 'primary' | 'router' | 'replica'): string => {
      const group = findGroup(report.groups, { scenario: 'warm', size, region, source });
      return group === undefined || group.pulls === 0 ? '–' : formatMs(group.ms.whole.p50);
    };
    const verdict = report.verdicts.find((each) => each.region === region);
    const faster = verdict === undefined ? 'is the primary' : `**${verdict.fasterPercent} %**`;
    return `| ${region} | ${wholeMs('primary')} | ${wholeMs('router')} | ${wholeMs('replica')} | ${faster} |`;
  });
  const { machine } = report;
  return [
    `| ${formatMegabytes(bytes)} image, warm, median | from the primary | through the router | from its own replica | own replica is faster by |`,
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `${report.date}, ${machine.processor}, ${machine.cores} cores, Node ${machine.node}, revision ${machine.revision}.`,
    '',
  ].join('\n');
}
