import { Redis } from 'ioredis';
import { systemClock } from '#libs/resilience';
import type { SeededRandom } from '#libs/resilience/testing';
import type { Link } from '../../apps/simulator/src/wan/link.js';
import { FAIR, type FaultyProxy, type Weather } from './faulty-proxy.js';
import { PRIMARY, REGIONS } from './places.js';
import type { Part, Seat } from './seat.js';
import { tamper } from './tampering.js';
import { CLIENTS, REDIS, ROUTER, type World } from './world.js';

/** Where a fault happens, and how it begins and is healed. Healing never fails. */
export interface Trouble {
  /** Two troubles do not have the same place at the same time. */
  readonly place: string;
  readonly begin: () => void | Promise<void>;
  readonly heal: () => void | Promise<void>;
}

type MakeTrouble = (world: World, random: SeededRandom) => Trouble | undefined;

const nothing = (): void => undefined;

/** Of the connections of a line, each second. */
const LOST_SHARE = 0.05;
const LOSS_MS = 1_000;

/** Other bytes, half of them, 503, or silence for longer than anybody should wait. */
const BAD_PEERS: readonly Partial<Weather>[] = [
  { flip: 0.5 },
  { cut: 0.5 },
  { unavailable: 0.5 },
  { stall: 0.3, stallMs: 15_000 },
];

/** Every kind of fault, by the name that `--faults` takes. `undefined`: not in this world. */
export const FAULTS: Readonly<Record<string, MakeTrouble>> = {
  'kill-registry': kill('registry'),
  'kill-replicator': kill('replicator'),
  'kill-router': kill('router'),
  'kill-redis': kill('redis'),
  'kill-minio': kill('minio'),
  'stop-registry': freeze('registry'),
  'stop-replicator': freeze('replicator'),
  'stop-redis': freeze('redis'),
  'stop-minio': freeze('minio'),
  cut: onLine({ state: 'cut' }),
  'one-way': (world, random) =>
    onLine({ state: random.next() < 0.5 ? 'blackhole-there' : 'blackhole-back' })(world, random),
  blackhole: onLine({ state: 'blackhole' }),
  slow: onLine({ roundTripMs: 400, megabitsPerSecond: 1 }),
  reset: (world, random) => {
    const [from, to] = anyLine(random);
    return { place: `line ${from} ${to}`, begin: () => world.link(from, to).resetConnections(), heal: nothing };
  },
  lossy: (world, random) => {
    const [from, to] = anyLine(random);
    const healed = new AbortController();
    return {
      place: `line ${from} ${to}`,
      begin: () => void loseConnections(world.link(from, to), random, healed.signal),
      heal: () => healed.abort(),
    };
  },
  flush: (world, random) => {
    const region = pick(random, REGIONS);
    return { place: `redis ${region}`, begin: () => flush(world, region), heal: nothing };
  },
  'bad-peer': (world, random) =>
    weather(pick(random, BAD_PEERS), ({ peers }, region) => peers.get(region), 'answers of')(world, random),
  'faulty-store': weather({ unavailable: 0.1, afterEffect: 0.05, cut: 0.03, stall: 0.01, flip: 0.01 }),
  'slow-store': weather({ delayMs: 300 }),
  full: weather({ full: true }),
  tamper,
  clock: (world, random) => {
    const seat = pick(random, [
      ...world.seatsOf('registry'),
      ...world.seatsOf('replicator'),
      ...world.seatsOf('router'),
    ]);
    const offsetMs = pick(random, [-600_000, 600_000, -3_600_000, 3_600_000]);
    return {
      place: `process ${seat.name}`,
      begin: () => {
        seat.clockOffsetMs = offsetMs;
        seat.kill();
      },
      heal: () => {
        seat.clockOffsetMs = 0;
        seat.kill();
      },
    };
  },
};

export async function flush(world: World, region: string): Promise<void> {
  const redis = new Redis(world.redisUrl(region), {
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
  });
  redis.on('error', nothing);
  // One that is down forgets nothing; it is killed often enough.
  await redis.connect().then(() => redis.flushall().then(nothing, nothing), nothing);
  redis.disconnect();
}

function kill(part: Part): MakeTrouble {
  return onSeat(part, (seat) => ({ begin: () => seat.kill(), heal: nothing }));
}

function freeze(part: Part): MakeTrouble {
  return onSeat(part, (seat) => ({ begin: () => seat.freeze(), heal: () => seat.thaw() }));
}

function onSeat(part: Part, trouble: (seat: Seat) => Omit<Trouble, 'place'>): MakeTrouble {
  return (world, random) => {
    const seats = world.seatsOf(part);
    if (seats.length === 0) return undefined;
    const seat = pick(random, seats);
    return { place: `process ${seat.name}`, ...trouble(seat) };
  };
}

function onLine(change: Parameters<ReturnType<World['link']>['change']>[0]): MakeTrouble {
  return (world, random) => {
    const [from, to] = anyLine(random);
    const link = world.link(from, to);
    return { place: `line ${from} ${to}`, begin: () => link.change(change), heal: () => link.restore() };
  };
}

/** Between regions, to a region's Redis, from the router to a region, and from clients to the router. */
export function lines(): readonly (readonly [string, string])[] {
  return [
    ...REGIONS.flatMap((from) => REGIONS.filter((to) => to !== from).map((to) => [from, to] as const)),
    ...REGIONS.map((region) => [region, REDIS] as const),
    ...REGIONS.map((region) => [ROUTER, region] as const),
    ...REGIONS.filter((region) => region !== PRIMARY).map((region) => [CLIENTS, `${ROUTER}-${region}`] as const),
  ];
}

function anyLine(random: SeededRandom): readonly [string, string] {
  return pick(random, lines());
}

type FindProxy = (world: World, region: string) => FaultyProxy | undefined;

function weather(
  bad: Partial<Weather>,
  find: FindProxy = ({ proxies }, region) => proxies.get(region),
  what = 'store',
): MakeTrouble {
  return (world, random) => {
    const region = pick(random, REGIONS);
    const proxy = find(world, region);
    if (proxy === undefined) return undefined;
    const set = (next: Weather) => () => {
      proxy.weather = next;
    };
    return { place: `${what} ${region}`, begin: set({ ...FAIR, ...bad }), heal: set(FAIR) };
  };
}

/** Resets some of a line's connections, again and again. */
async function loseConnections(link: Link, random: SeededRandom, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    link.resetConnections(() => random.next() >= LOST_SHARE);
    await systemClock.sleep(LOSS_MS, until).catch(nothing);
  }
}

export function pick<T>(random: SeededRandom, choices: readonly T[]): T {
  return choices[random.below(choices.length)] as T;
}

/** Begins a trouble, lets it last, and heals it; also when it is called off. */
export async function suffer(trouble: Trouble, lastsMs: number, until: AbortSignal): Promise<void> {
  await trouble.begin();
  await systemClock.sleep(lastsMs, until).catch(nothing);
  await trouble.heal();
}
