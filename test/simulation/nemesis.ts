import { PRIMARY, REGIONS, ROUTER, type SimulatedCluster } from './cluster.js';

/** Makes things go wrong in the large, until it is told to stop: processes, lines and queues. */
export class Nemesis {
  #stopped = false;

  constructor(private readonly cluster: SimulatedCluster) {}

  start(): void {
    void this.#rage();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #rage(): Promise<void> {
    const { cluster } = this;
    const { random } = cluster.universe;
    for (;;) {
      await cluster.network.pause(random.next() * 2 * cluster.faults.plan.nemesisPauseMs);
      if (this.#stopped) return;
      this.#act();
    }
  }

  #act(): void {
    const { cluster } = this;
    const { random, scheduler } = cluster.universe;
    const forMs = random.next() ** 2 * cluster.faults.plan.longestFaultMs;
    const dice = random.next();
    if (dice < 0.4) {
      const seat = this.#any(cluster.seats);
      cluster.faults.count(`crash-${seat.name.split('-')[1]?.replace(/\d/, '') ?? seat.name}`);
      cluster.crash(seat, forMs);
      return;
    }
    if (dice < 0.75) {
      const places = [...REGIONS, ROUTER, 'clients'];
      const from = this.#any(places);
      const to = this.#any(dice < 0.55 ? [PRIMARY] : places);
      if (from === to) return;
      const both = random.next() < 0.5;
      cluster.faults.count(both ? 'cut' : 'cut-one-way');
      this.#cut(from, to, forMs);
      if (both) this.#cut(to, from, forMs);
      return;
    }
    const region = cluster.region(this.#any(REGIONS));
    if (dice < 0.85) {
      cluster.faults.count('queue-lost');
      cluster.universe.trace.say('nemesis', `queue of ${region.name} lost`);
      region.jobs.lose();
      return;
    }
    if (dice < 0.93) {
      cluster.faults.count('locks-lost');
      cluster.loseLocks(region);
      return;
    }
    cluster.faults.count('stream-break');
    const from = this.#any(REGIONS);
    scheduler.after(0, () => cluster.network.break(from, this.#any([...REGIONS, ROUTER])));
  }

  #cut(from: string, to: string, forMs: number): void {
    const { network, universe } = this.cluster;
    network.cut(from, to);
    universe.scheduler.after(forMs, () => network.heal(from, to));
  }

  #any<T>(choices: readonly T[]): T {
    const chosen = choices[this.cluster.universe.random.below(choices.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  }
}
