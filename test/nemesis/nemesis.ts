import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { FAULTS, pick, suffer } from './faults.js';
import type { World } from './world.js';

export interface NemesisOptions {
  readonly seed: number;
  readonly kinds: readonly string[];
  /** Troubles at the same time. */
  readonly lanes: number;
  readonly shortestMs: number;
  readonly longestMs: number;
  /** At most, between two troubles of a lane. */
  readonly restMs: number;
}

/** Makes trouble: several kinds at a time, in an order that the seed decides. */
export class Nemesis {
  readonly counts = new Map<string, number>();
  readonly #busy = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly options: NemesisOptions,
  ) {}

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves, with everything healed, soon after `until` aborted. */
  async run(until: AbortSignal): Promise<void> {
    const { lanes, seed } = this.options;
    await Promise.all(
      Array.from({ length: lanes }, (_, lane) => this.#lane(new SeededRandom(seed * 7_919 + lane), until)),
    );
  }

  async #lane(random: SeededRandom, until: AbortSignal): Promise<void> {
    const { kinds, shortestMs, longestMs, restMs } = this.options;
    while (!until.aborted) {
      await systemClock.sleep(random.next() * restMs, until).catch(() => undefined);
      const kind = pick(random, kinds);
      const trouble = FAULTS[kind]?.(this.world, random);
      const lastsMs = shortestMs + random.next() * (longestMs - shortestMs);
      if (until.aborted || trouble === undefined || this.#busy.has(trouble.place)) continue;
      this.#busy.add(trouble.place);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      await suffer(trouble, lastsMs, until);
      this.#busy.delete(trouble.place);
    }
  }
}
