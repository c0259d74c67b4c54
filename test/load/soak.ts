import { join } from 'node:path';
import { systemClock } from '#libs/resilience';
import { OciClient } from '../support/oci-client.js';
import { dataBytes } from './data-bytes.js';
import { metricSums, processFigures } from './process-figures.js';
import { type Member, startLoadRegion } from './region.js';
import { MIB, type Run, type Say } from './run.js';
import { type Point, riseOf } from './slope.js';
import { liveBytes, SoakClient, type SoakTally } from './soak-client.js';
import type { Figure } from './verdict.js';

export interface SoakSize {
  readonly ms: number;
  /** Between two collections. */
  readonly collectEveryMs: number;
}

const CLIENTS = 6;
/** Longer than a push of these small images takes, on a machine that is busy with other things. */
const GRACE_MS = 5_000;
const SAMPLE_EVERY_MS = 1_000;
const END_WITHIN_MS = 60_000;
const MOST_OVER_LIVE = 1.05;

/** By how much of its mean something may rise from the end of the warm-up to the end; and by what in any case. */
const RISE = 0.15;
const ALLOWED: Readonly<Record<Series, number>> = {
  resident: 48 * MIB,
  heap: 24 * MIB,
  files: 16,
  handles: 16,
  storePerLive: 1,
};

type Series = 'resident' | 'heap' | 'files' | 'handles' | 'storePerLive';

/** Pushes, pulls, deletes and collects for a while, and looks at what does not come back to where it was. */
export const soak: Run<SoakSize> = async ({ ms, collectEveryMs }, say, signal) => {
  const region = await startLoadRegion({
    settings: { gc: { graceMs: GRACE_MS, intervalMs: 0, maxShare: 1 } },
    nodeOptions: `--import ${new URL('collect-on-signal.mjs', import.meta.url).href}`,
  });
  try {
    const [member] = region.members;
    if (member === undefined) throw new Error('the region has no process');
    const bucket = join(region.directory, 'bucket');
    const tally: SoakTally = { pushes: 0, pulls: 0, deletions: 0, refused: 0, putOff: 0, broken: 0, notes: [] };
    const clients = Array.from(
      { length: CLIENTS },
      (_, number) => new SoakClient(new OciClient(member.origin), `soak/c${number}`, tally),
    );
    const ended = new AbortController();
    const end = () => ended.abort();
    void systemClock.sleep(ms, signal).then(end, end);
    const over = ended.signal;
    const series = new Map<Series, Point[]>();
    const [collections] = await Promise.all([
      collectAgainAndAgain(member, collectEveryMs, over),
      sampleAgainAndAgain(series, () => look(member, bucket, clients), over, say),
      ...clients.map(async (client) => {
        while (!over.aborted) await client.step();
      }),
    ]);
    say(`${tally.pushes} pushes, ${tally.pulls} pulls, ${tally.deletions} deletions, ${collections} collections`);
    const share = await shareInTheEnd(member, bucket, clients);
    return {
      what: `soak: ${Math.round(ms / 1_000)} s, ${tally.pushes} pushes, ${tally.pulls} pulls, ${collections} collections`,
      figures: [
        { name: 'collections', seen: collections, atLeast: 1 },
        { name: 'pushes or deletions wrongly refused', seen: tally.refused, atMost: 0 },
        { name: 'answered 503, and asked again', seen: tally.putOff },
        { name: 'broken pulls', seen: tally.broken, atMost: 0 },
        { name: 'stored bytes in the end, of live bytes', seen: share, unit: 'x', atMost: MOST_OVER_LIVE },
        { name: 'processes that ended', seen: member.process.hasExited ? 1 : 0, atMost: 0 },
        ...[...series].map(([name, points]) => riseFigure(name, points)),
      ],
      notes: tally.notes,
    };
  } finally {
    await region.stop();
  }
};

const UNITS: Partial<Readonly<Record<Series, readonly [number, string]>>> = {
  resident: [MIB, 'MiB'],
  heap: [MIB, 'MiB'],
};

function riseFigure(name: Series, points: readonly Point[]): Figure {
  const { rise, mean } = riseOf(points);
  const [scale, unit] = UNITS[name] ?? [1, ''];
  const atMost = Math.max(mean * RISE, ALLOWED[name]) / scale;
  return { name: `rise of ${name}, mean ${(mean / scale).toFixed(1)}`, seen: rise / scale, unit, atMost };
}

type Look = Readonly<Record<Series, number>>;

async function look(member: Member, bucket: string, clients: readonly SoakClient[]): Promise<Look> {
  // A process that has little time for it leaves its garbage lying: what it keeps is what does not go with it.
  process.kill(member.process.pid, 'SIGUSR2');
  const names = ['nodejs_heap_size_used_bytes', 'nodejs_active_handles_total'];
  const [heap = Number.NaN, handles = Number.NaN] = await metricSums(member.admin, names);
  const [{ residentBytes, files }, stored] = await Promise.all([processFigures(member.process.pid), dataBytes(bucket)]);
  return { resident: residentBytes, heap, files, handles, storePerLive: stored / Math.max(1, liveBytes(clients)) };
}

async function sampleAgainAndAgain(
  series: Map<Series, Point[]>,
  sample: () => Promise<Look>,
  over: AbortSignal,
  say: Say,
): Promise<void> {
  for (let count = 1; !over.aborted; count += 1) {
    await systemClock.sleep(SAMPLE_EVERY_MS, over).catch(() => undefined);
    const seen = await sample();
    const atMs = systemClock.monotonic();
    for (const [name, value] of Object.entries(seen) as [Series, number][]) {
      series.set(name, [...(series.get(name) ?? []), { atMs, value }]);
    }
    if (count % 15 === 0)
      say(`${count} s: ${(seen.resident / MIB).toFixed(0)} MiB resident, ${seen.storePerLive.toFixed(2)} x stored`);
  }
}

async function collectAgainAndAgain(member: Member, everyMs: number, over: AbortSignal): Promise<number> {
  let collections = 0;
  while (!over.aborted) {
    await systemClock.sleep(everyMs, over).catch(() => undefined);
    if (await collect(member)) collections += 1;
  }
  return collections;
}

/** False when one is still running. */
async function collect({ admin }: Member): Promise<boolean> {
  const response = await fetch(`${admin}/admin/v1/gc?force=true`, { method: 'POST' });
  await response.arrayBuffer();
  return response.status === 202;
}

/** Collects until nothing more is to be had, or until it took too long, and returns what is stored by what is needed. */
async function shareInTheEnd(member: Member, bucket: string, clients: readonly SoakClient[]): Promise<number> {
  const untilMs = systemClock.monotonic() + END_WITHIN_MS;
  const live = liveBytes(clients);
  for (;;) {
    const share = (await dataBytes(bucket)) / live;
    if (share <= MOST_OVER_LIVE || systemClock.monotonic() > untilMs) return share;
    await collect(member);
    await systemClock.sleep(SAMPLE_EVERY_MS, new AbortController().signal);
  }
}
