import { z } from 'zod';
import { SIZE_NAMES, type SizeName } from '../measure/image-sizes.js';
import { type Machine, machineSchema } from '../measure/machine.js';
import type { Extent, Measurement } from '../measure/measurement.js';
import { groupSamples, SCENARIOS } from '../measure/sample.js';
import { summarize } from '../measure/statistics.js';
import { SOURCES } from '../target/target.js';
import { judge } from './verdict.js';

/** JSON has no NaN: what was never seen is written as null. */
const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const summarySchema = z.object({ p50: figure, p95: figure, p99: figure, least: figure, most: figure });

const groupSchema = z.object({
  scenario: z.enum(SCENARIOS),
  size: z.enum(SIZE_NAMES),
  region: z.string(),
  source: z.enum(SOURCES),
  pulls: z.number(),
  failures: z.array(z.string()),
  servedBy: z.array(z.string()),
  bytes: z.number(),
  ms: z.object({ ping: summarySchema, manifest: summarySchema, firstByte: summarySchema, whole: summarySchema }),
  megabytesPerSecond: summarySchema,
});

export const reportSchema = z.object({
  version: z.literal(1),
  date: z.string(),
  target: z.string(),
  network: z.string(),
  machine: machineSchema,
  seconds: z.number(),
  scale: z.number(),
  regions: z.array(
    z.object({
      name: z.string(),
      role: z.enum(['primary', 'replica']),
      roundTripMs: z.number(),
      /** `null`: as fast as the machine. */
      megabitsPerSecond: z.number().nullable(),
    }),
  ),
  sizes: z.array(z.object({ name: z.enum(SIZE_NAMES), bytes: z.number(), layers: z.number() })),
  groups: z.array(groupSchema),
  arrivals: z.array(
    z.object({ size: z.enum(SIZE_NAMES), region: z.string(), count: z.number(), afterMs: summarySchema }),
  ),
  verdicts: z.array(
    z.object({
      region: z.string(),
      size: z.enum(SIZE_NAMES),
      replicaMs: figure,
      primaryMs: figure,
      fasterPercent: figure,
      wantedPercent: z.number(),
      holds: z.boolean(),
    }),
  ),
});

/** Everything that was measured, and under which circumstances. What `report.json` holds. */
export type Report = z.infer<typeof reportSchema>;

export interface ReportFrame {
  readonly machine: Machine;
  readonly extent: Extent;
  readonly startedAtMs: number;
  readonly seconds: number;
}

export function makeReport(measurement: Measurement, frame: ReportFrame): Report {
  const { target } = measurement.context;
  const groups = groupSamples(measurement.samples).map(mutable);
  const regions = target.regions.map(({ name, role, line }) => ({
    name: String(name),
    role,
    roundTripMs: line.roundTripMs,
    megabitsPerSecond: Number.isFinite(line.megabitsPerSecond) ? line.megabitsPerSecond : null,
  }));
  const sizes = [...measurement.imageBytes].map(([name, { bytes, layers }]) => ({ name, bytes, layers }));
  return {
    version: 1,
    date: new Date(frame.startedAtMs).toISOString().slice(0, 10),
    target: target.description,
    network: target.network,
    machine: frame.machine,
    seconds: Math.round(frame.seconds),
    scale: frame.extent.scale,
    regions,
    sizes,
    groups,
    arrivals: summarizeArrivals(measurement),
    verdicts: judge(groups, regions, sizes),
  };
}

function summarizeArrivals({ arrivals, context }: Measurement): Report['arrivals'] {
  return context.extent.sizes.flatMap((size: SizeName) =>
    context.target.regions.flatMap(({ name }) => {
      const own = arrivals.filter((arrival) => arrival.size === size && arrival.region === name);
      const afterMs = summarize(own.map((arrival) => arrival.afterMs));
      return own.length === 0 ? [] : [{ size, region: String(name), count: own.length, afterMs }];
    }),
  );
}

function mutable<Group extends { readonly failures: readonly string[]; readonly servedBy: readonly string[] }>(
  group: Group,
) {
  return { ...group, failures: [...group.failures], servedBy: [...group.servedBy] };
}
