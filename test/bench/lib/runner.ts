import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { median } from './statistics.js';
import type { Row, Scene, Size, Values, Wanted } from './suite.js';

export interface Verdict {
  readonly wanted: Wanted;
  /** A ratio, or the metric itself; NaN when it could not be measured. */
  readonly seen: number;
  readonly met: boolean;
}

export interface RowResult {
  readonly name: string;
  readonly rounds: number;
  /** In the order in which they were taken. */
  readonly samples: Readonly<Record<string, readonly Values[]>>;
  readonly medians: Readonly<Record<string, Values>>;
  readonly verdicts: readonly Verdict[];
  /** Contenders that were left out, and why. */
  readonly missing: Readonly<Record<string, string>>;
}

export interface RunOptions {
  readonly directory: string;
  readonly rounds: number;
  readonly size: Size;
  readonly signal: AbortSignal;
  /** Before each sample. */
  readonly onSample: (round: number, contender: string) => void;
  /** A contender that fails leaves the row; the others go on. */
  readonly onFailure: (contender: string, error: unknown) => void;
}

/** Measures one row: A B C, then C B A, and so on, so that whatever drifts does so for all. */
export async function runRow(row: Row, options: RunOptions): Promise<RowResult> {
  const { scene, close } = await openScene(row, options);
  // Without its servers a sample ends at once.
  options.signal.addEventListener('abort', close);
  try {
    return await sampleRow(row, scene, options);
  } finally {
    options.signal.removeEventListener('abort', close);
    await close();
    await rm(scene.directory, { recursive: true, force: true });
  }
}

async function sampleRow(row: Row, scene: Scene, options: RunOptions): Promise<RowResult> {
  const rounds = Math.min(options.rounds, row.mostRounds ?? Number.POSITIVE_INFINITY);
  const samples = new Map<string, Values[]>(row.contenders.map((name) => [name, []]));
  const missing = new Map<string, string>();
  const sample = await row.open(scene);
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of inTurn([...samples.keys()], round)) {
      options.signal.throwIfAborted();
      options.onSample(round, contender);
      try {
        samples.get(contender)?.push(await within(sample(contender), contender));
      } catch (error) {
        options.signal.throwIfAborted();
        options.onFailure(contender, error);
        missing.set(contender, inOneLine(error));
        samples.delete(contender);
      }
    }
  }
  const medians = mapValues(Object.fromEntries(samples), mediansOf);
  return {
    name: row.name,
    rounds,
    samples: Object.fromEntries(samples),
    medians,
    verdicts: row.wanted.map((wanted) => judge(wanted, medians)),
    missing: Object.fromEntries(missing),
  };
}

/** The longest sample, the filling of a registry with 100,000 tags, takes some ten minutes. */
const SAMPLE_LIMIT_MS = 40 * 60_000;

async function within<Result>(work: Promise<Result>, what: string): Promise<Result> {
  const limit = new AbortController();
  const tooLong = setTimeout(SAMPLE_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`${what} took longer than ${SAMPLE_LIMIT_MS / 60_000} minutes`);
  });
  tooLong.catch(() => undefined);
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    limit.abort();
  }
}

const SHOWN_CHARACTERS = 160;

const inOneLine = (error: unknown) =>
  String(error instanceof Error ? error.message : error)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS);

/** Every second round goes backwards. */
export function inTurn(contenders: readonly string[], round: number): readonly string[] {
  return round % 2 === 0 ? contenders : contenders.toReversed();
}

/** The median of each metric over all samples. */
export function mediansOf(samples: readonly Values[]): Values {
  const names = new Set(samples.flatMap((sample) => Object.keys(sample)));
  return Object.fromEntries([...names].map((name) => [name, median(samples.flatMap((sample) => sample[name] ?? []))]));
}

/** Compares a wanted figure with what was seen. What was not measured is not met. */
export function judge(wanted: Wanted, medians: Readonly<Record<string, Values>>): Verdict {
  const { metric, of, against, againstMetric = metric, atLeast, atMost } = wanted;
  const value = medians[of]?.[metric] ?? Number.NaN;
  const seen = against === undefined ? value : value / (medians[against]?.[againstMetric] ?? Number.NaN);
  const met = (atLeast === undefined || seen >= atLeast) && (atMost === undefined || seen <= atMost);
  return { wanted, seen, met: met && !Number.isNaN(seen) };
}

async function openScene(row: Row, { directory: runDirectory, size, signal }: RunOptions) {
  const directory = join(runDirectory, row.name);
  const ends: (() => Promise<unknown>)[] = [];
  let closing = false;
  const close = async () => {
    closing = true;
    const failures: unknown[] = [];
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
      await end().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be ended');
  };
  const defer = (end: () => Promise<unknown>) => {
    ends.push(end);
    // It was still starting when everything else ended.
    if (closing) void close();
  };
  await mkdir(directory, { recursive: true });
  const scene: Scene = { directory, runDirectory, size, signal, defer };
  return { scene, close };
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
