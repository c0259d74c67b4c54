import { systemClock } from '#libs/resilience';
import { headerOf } from '../bench/lib/http-connection.js';
import { OciClient, sampleImage } from '../support/oci-client.js';
import { PoliteClient, pause } from './polite-client.js';
import { processFigures } from './process-figures.js';
import { type LoadRegion, type Member, startLoadRegion } from './region.js';
import { MIB, type Run, type Say } from './run.js';
import { Tally } from './tally.js';
import type { Figure } from './verdict.js';

export interface OverloadSize {
  /** How long each step of the ramp takes. */
  readonly stepMs: number;
  readonly overloadMs: number;
  /** Of what it answered well before, in percent: refusing costs something too; what is left must not collapse. */
  readonly leastShare: number;
}

const TIMES = 10;
/** Far fewer than a process takes by itself, so that any machine can bring more than there are places for. */
const LIMITS = { pulls: 32, pushes: 4 };
const PLACES = LIMITS.pulls + LIMITS.pushes;
const RAMP = [1, 2, 4, 8, 16, 32, 64];
/** A step that brings less than this is not worth its clients. */
const WORTH = 1.1;
const REPOSITORY = 'load/app';
const LAYER = Buffer.alloc(64 * 1024, 7);
const IMAGE = sampleImage('load', [LAYER]);
const RESIDENT = 512 * MIB;
const P99_MS = 5_000;
const BACK_TO_NORMAL_MS = 10_000;
/** Who was refused comes again, sooner than it was asked to. */
const IMPATIENCE_MS = 20;

/** Finds how much a registry does, offers it ten times as many clients, and sees whether it recovers. */
export const overload: Run<OverloadSize> = async (size, say, signal) => {
  const region = await startLoadRegion({ settings: { limits: LIMITS } });
  try {
    return await measure(region, size, say, signal);
  } finally {
    await region.stop();
  }
};

async function measure(region: LoadRegion, size: OverloadSize, say: Say, signal: AbortSignal) {
  const { stepMs, overloadMs, leastShare } = size;
  const [member] = region.members;
  if (member === undefined) throw new Error('the region has no process');
  await new OciClient(member.origin).pushImage(REPOSITORY, IMAGE, 'v1');
  const capacity = await findCapacity(member, stepMs, say, signal);
  // A machine on which one client is as fast as two still has to bring more clients than there are places.
  const clients = Math.max(capacity.clients, PLACES) * TIMES;
  const tally = await offer(member, clients, overloadMs, signal);
  say(
    `${clients} clients: ${rate(tally, overloadMs)} answered well a second, p99 ${tally.p99().toFixed(0)} ms; ${tally}`,
  );
  const recoveredMs = await recovery(member, capacity.p99Ms);
  const { peakBytes } = await processFigures(member.process.pid);
  const share = (rate(tally, overloadMs) / capacity.perSecond) * 100;
  const kept = { name: 'answered well, of what it could', seen: share, unit: '%', atLeast: leastShare };
  return {
    what: `load: ${clients} clients where ${capacity.clients} are enough and ${PLACES} have places, for ${overloadMs / 1_000} s`,
    figures: [...figuresOf(tally), kept, ...aftermath(member, peakBytes, recoveredMs)],
    notes: tally.oddities,
  };
}

function figuresOf(tally: Tally): Figure[] {
  const refused = tally.count(503) + tally.count(429);
  const expected = tally.count(200) + tally.count(201) + refused;
  return [
    { name: 'requests', seen: tally.all },
    { name: 'refused with 429 or 503', seen: refused, atLeast: 1 },
    { name: 'answered in no way that was foreseen', seen: tally.all - expected, atMost: 0 },
    { name: 'refused without Retry-After', seen: tally.oddities.length, atMost: 0 },
    { name: 'p99 of what was admitted', seen: tally.p99(), unit: 'ms', atMost: P99_MS },
  ];
}

function aftermath({ process }: Member, peakBytes: number, recoveredMs: number): Figure[] {
  return [
    { name: 'processes that ended', seen: process.hasExited ? 1 : 0, atMost: 0 },
    { name: 'most resident memory', seen: peakBytes / MIB, unit: 'MiB', atMost: RESIDENT / MIB },
    { name: 'back to normal after', seen: recoveredMs / 1_000, unit: 's', atMost: BACK_TO_NORMAL_MS / 1_000 },
  ];
}

async function findCapacity(member: Member, stepMs: number, say: Say, signal: AbortSignal) {
  let best = { clients: 1, perSecond: 0, p99Ms: Number.POSITIVE_INFINITY };
  for (const clients of RAMP) {
    const tally = await offer(member, clients, stepMs, signal);
    const perSecond = rate(tally, stepMs);
    say(`${clients} clients: ${perSecond} answered well a second, p99 ${tally.p99().toFixed(0)} ms`);
    if (perSecond < best.perSecond * WORTH) break;
    best = { clients, perSecond, p99Ms: tally.p99() };
  }
  return best;
}

const rate = ({ latenciesMs }: Tally, ms: number): number => Math.round((latenciesMs.length * 1_000) / ms);

/** As many clients as said, each asking as soon as it was answered, for so long. */
async function offer(member: Member, clients: number, forMs: number, signal: AbortSignal): Promise<Tally> {
  const tally = new Tally();
  const untilMs = systemClock.monotonic() + forMs;
  const client = async (number: number) => {
    const polite = new PoliteClient(member.host);
    for (let turn = number; systemClock.monotonic() < untilMs && !signal.aborted; turn += 1) {
      const answered = await askFor(polite, tally, turn);
      if (answered === 'refused') await pause(IMPATIENCE_MS);
    }
    polite.close();
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return tally;
}

/** Of ten requests seven are for a manifest, two for a layer, one brings a blob. */
async function askFor(polite: PoliteClient, tally: Tally, turn: number): Promise<'answered' | 'refused'> {
  const kind = turn % 10;
  const layer = `/v2/${REPOSITORY}/blobs/${IMAGE.blobs[1]?.digest}`;
  const { fate, answer } =
    kind === 0
      ? await polite.pushNoise(tally, REPOSITORY, 4_096)
      : await polite.ask(tally, 200, 'GET', kind < 3 ? layer : `/v2/${REPOSITORY}/manifests/v1`);
  if (fate === 200 || fate === 201) return 'answered';
  if (answer !== undefined && headerOf(answer, 'retry-after') === undefined) tally.wonder(answer.head);
  return 'refused';
}

/** How long it takes until one client is answered as before. */
async function recovery(member: Member, beforeMs: number): Promise<number> {
  const startMs = systemClock.monotonic();
  const normalMs = Math.max(100, beforeMs * 3);
  for (;;) {
    const tally = await offer(member, 1, 250, new AbortController().signal);
    const passedMs = systemClock.monotonic() - startMs;
    if (tally.latenciesMs.length === tally.all && tally.p99() <= normalMs) return passedMs;
    if (passedMs > BACK_TO_NORMAL_MS) return Number.NaN;
  }
}
