import { readdirSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What simulated clusters run of the product. The queue's driver, and HTTP, are replaced by simulated ones. */
const LIBS = ['journal', 'registry', 'replication', 'geo'];

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

interface Recording {
  readonly result: readonly Script[];
  readonly 'source-map-cache'?: Readonly<
    Record<string, { readonly lineLengths: readonly number[]; readonly data: SourceMapPayload | null }>
  >;
}

/** Lines of a file of the libraries: those that hold code, and those that some process ran. */
interface FileLines {
  readonly all: Set<number>;
  readonly reached: Set<number>;
}

/** Of what processes wrote into `directory` (NODE_V8_COVERAGE): a line for each file that has lines that none of them ran. */
export function unreachedLines(directory: string): readonly string[] {
  const files = new Map<string, FileLines>();
  for (const name of readdirSync(directory)) {
    const recording = JSON.parse(readFileSync(join(directory, name), 'utf8')) as Recording;
    for (const script of recording.result.filter(isProduct)) {
      const map = recording['source-map-cache']?.[script.url];
      if (map?.data) take(files, script, map.lineLengths, new SourceMap(map.data));
    }
  }
  const reached = [...files.values()].reduce((sum, lines) => sum + lines.reached.size, 0);
  const all = [...files.values()].reduce((sum, lines) => sum + lines.all.size, 0);
  const rows = [...files].sort().flatMap(([file, lines]) => {
    const missing = [...lines.all].filter((line) => !lines.reached.has(line)).sort((a, b) => a - b);
    return missing.length === 0 ? [] : [`${file}: ${spans(missing)}`];
  });
  return [`lines never reached: ${all - reached} of ${all}`, ...rows];
}

function isProduct({ url }: Script): boolean {
  return LIBS.some((lib) => url.includes(`/libs/${lib}/src/`)) && !url.includes('/testing/') && url.endsWith('.ts');
}

function take(files: Map<string, FileLines>, script: Script, lineLengths: readonly number[], map: SourceMap): void {
  const path = fileURLToPath(script.url);
  const file = path.slice(path.lastIndexOf('/libs/') + 1);
  const lines = files.get(file) ?? { all: new Set<number>(), reached: new Set<number>() };
  files.set(file, lines);
  // Ranges lie within each other: the later and smaller one says how often what is in it ran.
  const ranges = script.functions.flatMap((each) => each.ranges);
  let offset = 0;
  for (const [line, length] of lineLengths.entries()) {
    for (let column = 0; column < length; column += 1) {
      const origin = map.findEntry(line, column);
      if (!('originalLine' in origin) || origin.generatedLine !== line || origin.generatedColumn !== column) continue;
      lines.all.add(origin.originalLine + 1);
      if (countAt(ranges, offset + column) > 0) lines.reached.add(origin.originalLine + 1);
    }
    offset += length + 1;
  }
}

function countAt(ranges: readonly Range[], at: number): number {
  let smallest: Range | undefined;
  for (const range of ranges) {
    if (range.startOffset > at || range.endOffset <= at) continue;
    const inside =
      smallest === undefined || range.endOffset - range.startOffset <= smallest.endOffset - smallest.startOffset;
    if (inside) smallest = range;
  }
  return smallest?.count ?? 0;
}

function spans(lines: readonly number[]): string {
  const found: [number, number][] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else found.push([line, line]);
  }
  return found.map(([start, end]) => (start === end ? `${start}` : `${start}-${end}`)).join(' ');
}
