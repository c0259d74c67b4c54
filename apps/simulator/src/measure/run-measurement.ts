import { readFile } from 'node:fs/promises';
import type { Clock, Random } from '#libs/resilience';
import { INTERRUPTED_CODE, Interrupted, Interrupts } from '../interrupts.js';
import { serveMetrics } from '../measure-report/metrics-server.js';
import { renderPrometheus } from '../measure-report/prometheus.js';
import { updateDocument, writeReport } from '../measure-report/publish.js';
import { makeReport, type Report, reportSchema } from '../measure-report/report.js';
import { renderText } from '../measure-report/text-table.js';
import { sentenceOf } from '../measure-report/verdict.js';
import { messageOf, Problem } from '../problem.js';
import { openTarget } from '../target/open-target.js';
import type { Target } from '../target/target.js';
import type { Terminal } from '../terminal.js';
import { whileWorking } from '../while-working.js';
import type { MeasureOptions } from './arguments.js';
import { requireDiskSpace } from './disk-space.js';
import { describeMachine } from './machine.js';
import { Measurement } from './measurement.js';
import { measureAll } from './scenarios.js';

export interface MeasureContext {
  readonly options: MeasureOptions;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
}

/** @returns whether every region's replica is as much faster as is wanted */
export async function runMeasurement(context: MeasureContext): Promise<boolean> {
  const { options, terminal } = context;
  const report = options.from === undefined ? await measure(context) : await readReport(options.from);
  for (const line of renderText(report, terminal.style)) terminal.line(line);
  if (options.outDirectory !== undefined) {
    const files = await writeReport(report, options.outDirectory);
    terminal.done(`wrote ${files.join(', ')}`);
  }
  for (const path of options.documents) {
    await updateDocument(path, report);
    terminal.done(`put the figures into ${path}`);
  }
  terminal.line();
  for (const verdict of report.verdicts)
    if (verdict.holds) terminal.done(sentenceOf(verdict));
    else terminal.warn(sentenceOf(verdict));
  return report.verdicts.every(({ holds }) => holds);
}

async function readReport(path: string): Promise<Report> {
  try {
    return reportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new Problem(`--from ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function measure(context: MeasureContext): Promise<Report> {
  const { options, terminal, clock } = context;
  const interrupts = new Interrupts(clock, () => process.exit(INTERRUPTED_CODE));
  try {
    const opening = openTarget(options.target, clock, interrupts.signal);
    const target = await whileWorking(terminal, clock, () => 'starting the cluster', opening);
    try {
      return await measureTarget(context, target, interrupts.signal);
    } finally {
      await whileWorking(terminal, clock, () => 'stopping the cluster', target.close());
    }
  } catch (error) {
    // Whatever was under way fails when it is called off.
    throw interrupts.signal.aborted && !(error instanceof Interrupted) ? interrupts.signal.reason : error;
  } finally {
    interrupts.close();
  }
}

async function measureTarget(context: MeasureContext, target: Target, signal: AbortSignal): Promise<Report> {
  const { options, terminal, clock, random } = context;
  if (options.target.kind === 'embedded') await requireDiskSpace(options.extent, target.regions.length);
  terminal.done(`measuring ${target.description}`);
  let now = '';
  const onProgress = (what: string): void => {
    now = what;
  };
  const { extent } = options;
  const measurement = new Measurement({ target, extent, clock, random, onProgress, signal });
  const startMs = clock.monotonic();
  const frame = { machine: await describeMachine(), extent, startedAtMs: clock.now() };
  const soFar = (): Report =>
    makeReport(measurement, { ...frame, seconds: (clock.monotonic() - startMs) / MS_PER_SECOND });
  const stopServing = await serveFigures(context, soFar);
  try {
    const progress = (): string => `${measurement.samples.length} pulls · ${now}`;
    await whileWorking(terminal, clock, progress, measureAll(measurement));
  } finally {
    await stopServing();
  }
  return soFar();
}

async function serveFigures({ options, terminal }: MeasureContext, soFar: () => Report): Promise<() => Promise<void>> {
  if (options.metricsPort === undefined) return async () => undefined;
  const stop = await serveMetrics(options.metricsPort, () => renderPrometheus(soFar()));
  terminal.done(`figures so far: http://127.0.0.1:${options.metricsPort}/metrics`);
  return stop;
}

const MS_PER_SECOND = 1_000;
