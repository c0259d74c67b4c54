import type { SeededRandom } from '#libs/resilience/testing';
import type { Chance } from './chance.js';
import type { FaultPlan } from './fault-plan.js';
import type { Script } from './script.js';

export type StoreFault = 'none' | 'before' | 'after' | 'late' | 'stall' | 'refused' | 'conflict';

/** How often one wait in many is long, and how much longer it is then. */
const SLOW_CHANCE = 0.02;
const SLOWER = 30;

/** What goes wrong in small ways, until it is told that nothing does any more. Counts what it did, by kind. */
export class FaultInjector {
  readonly counts = new Map<string, number>();
  readonly #victims = new Map<string, Faults>();
  #healed = false;

  constructor(
    readonly world: { readonly chance: Chance; readonly script: Script },
    readonly plan: FaultPlan,
  ) {}

  get healed(): boolean {
    return this.#healed;
  }

  heal(): void {
    this.#healed = true;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** The faults of one process or line. */
  of(victim: string): Faults {
    const known = this.#victims.get(victim) ?? new Faults(this, victim);
    this.#victims.set(victim, known);
    return known;
  }
}

/** Decides what goes wrong for one process or line. */
export class Faults {
  readonly plan: FaultPlan;
  readonly #random: SeededRandom;
  readonly #asked = new Map<string, number>();

  constructor(
    private readonly injector: FaultInjector,
    private readonly victim: string,
  ) {
    this.plan = injector.plan;
    this.#random = injector.world.chance.of(`faults of ${victim}`);
  }

  /** Whether it happens this time. */
  strikes(kind: string, chance: number): boolean {
    const time = (this.#asked.get(kind) ?? 0) + 1;
    this.#asked.set(kind, time);
    if (this.#random.next() >= chance || this.injector.healed) return false;
    if (!this.injector.world.script.plays(`${kind} ${this.victim} ${time}`)) return false;
    this.injector.count(kind);
    return true;
  }

  /** `conditional`: a write that depends on what is there. */
  storeFault(changes: boolean, conditional = false): StoreFault {
    const { storeFailure, storeLate, storeStall, storeRefusal } = this.plan;
    const afterwards = this.#random.next() < 0.5;
    if (conditional && this.strikes('store-refused', storeRefusal / 2)) return 'refused';
    if (conditional && this.strikes('store-conflict', storeRefusal / 2)) return 'conflict';
    if (this.strikes('store-stall', storeStall)) return 'stall';
    if (changes && this.strikes('store-late', storeLate)) return 'late';
    if (!this.strikes('store-failure', storeFailure)) return 'none';
    return changes && afterwards ? 'after' : 'before';
  }

  /** A wait that is short mostly and long sometimes. */
  delayMs(usualMs: number): number {
    return this.#random.next() * usualMs * (this.strikes('slow', SLOW_CHANCE) ? SLOWER : 1);
  }
}
