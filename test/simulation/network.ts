import type { RegionName } from '#libs/geo';
import { PeerError } from '#libs/peer';
import type { FaultInjector, Faults } from './fault-injector.js';
import type { SimulatedProcess, Universe } from './simulated-process.js';

/** How long a caller waits for an answer that will never come. */
const SILENCE_MS = 3_000;

/** Where a message goes from and to: regions, and `router` and `clients`. */
export type Place = string;

/** The lines between places. Each direction can be cut by itself; what is under way on a line that is cut is lost. */
export class Network {
  readonly #cut = new Set<string>();
  readonly #faults: FaultInjector;
  readonly #breaks = new Map<string, Set<() => void>>();

  constructor(
    private readonly universe: Universe,
    faults: FaultInjector,
  ) {
    this.#faults = faults;
  }

  cut(from: Place, to: Place): void {
    this.universe.trace.say('network', `cut ${from} -> ${to}`);
    this.#cut.add(line(from, to));
    this.break(from, to);
  }

  /** Ends what is under way, and lets what comes next through. */
  break(from: Place, to: Place): void {
    for (const tell of [...(this.#breaks.get(line(from, to)) ?? [])]) tell();
  }

  heal(from: Place, to: Place): void {
    if (this.#cut.delete(line(from, to))) this.universe.trace.say('network', `heal ${from} -> ${to}`);
  }

  healAll(): void {
    this.#cut.clear();
    this.universe.trace.say('network', 'heal all');
  }

  isCut(from: Place, to: Place): boolean {
    return this.#cut.has(line(from, to));
  }

  onBreak(from: Place, to: Place, listener: () => void): () => void {
    const listeners = this.#breaks.get(line(from, to)) ?? new Set();
    this.#breaks.set(line(from, to), listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** One way, in the time that it takes. */
  travel(from: Place, to: Place): Promise<void> {
    return this.pause(this.faultsOf(from, to).delayMs(from === to ? 2 : 40));
  }

  faultsOf(from: Place, to: Place): Faults {
    return this.#faults.of(line(from, to));
  }

  /** Until a caller notices that nothing comes. */
  silence(): Promise<void> {
    return this.pause(SILENCE_MS);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.universe.scheduler.after(ms, resolve);
    });
  }
}

/** A call that somebody makes of a process somewhere else. */
export interface RemoteCall {
  readonly network: Network;
  readonly from: Place;
  readonly to: Place;
  readonly region: RegionName;
  /** The process that takes the call; `undefined` if none lives. */
  readonly pick: () => SimulatedProcess | undefined;
}

/**
 * Does `work` at the other end. Rejects with {@link PeerError} when the call or its answer is lost; then `work` may have
 * happened all the same.
 */
export async function callRemote<T>(call: RemoteCall, work: () => Promise<T>): Promise<T> {
  const { network, from, to, region } = call;
  await network.travel(from, to);
  const process = call.pick();
  if (network.isCut(from, to)) {
    await network.silence();
    throw new PeerError('unreachable', region, 'the line is cut');
  }
  if (process === undefined) throw new PeerError('unreachable', region, 'nobody answers');
  const result = await whileReachable(call, process, work());
  await network.travel(to, from);
  if (network.isCut(to, from)) {
    await network.silence();
    throw new PeerError('stalled', region, 'the answer was lost');
  }
  return result;
}

/** `promise`, unless the process that it runs in crashes first: then its connection breaks. */
export function whileReachable<T>(
  { region }: Pick<RemoteCall, 'region'>,
  process: SimulatedProcess,
  promise: Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = process.onCrash(() => reject(new PeerError('stalled', region, 'the connection broke')));
    promise.then(resolve, reject).finally(stop);
  });
}

function line(from: Place, to: Place): string {
  return `${from}>${to}`;
}
