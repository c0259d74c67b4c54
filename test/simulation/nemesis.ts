import type { SeededRandom } from '#libs/resilience/testing';
import { oneOf } from './chance.js';
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
    const { universe, network, faults } = this.cluster;
    for (let act = 1; ; act += 1) {
      const random = universe.chance.of(`nemesis ${act}`);
      await network.pause(random.next() * 2 * faults.plan.nemesisPauseMs);
      if (this.#stopped) return;
      if (universe.script.plays(`nemesis ${act}`)) this.#act(random);
    }
  }

  #act(random: SeededRandom): void {
    const forMs = random.next() ** 2 * this.cluster.faults.plan.longestFaultMs;
    const dice = random.next();
    if (dice < 0.4) this.#crash(random, forMs);
    else if (dice < 0.75) this.#cutLine(random, forMs, dice < 0.55 ? [PRIMARY] : PLACES);
    else this.#confuse(random, dice);
  }

  #confuse(random: SeededRandom, dice: number): void {
    const { cluster } = this;
    const region = cluster.region(oneOf(random, REGIONS));
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
    cluster.network.break(oneOf(random, REGIONS), oneOf(random, [...REGIONS, ROUTER]));
  }

  #crash(random: SeededRandom, forMs: number): void {
    const { cluster } = this;
    const seat = oneOf(random, cluster.seats);
    cluster.faults.count(`crash-${seat.name.split('-')[1]?.replace(/\d/, '') ?? seat.name}`);
    cluster.crash(seat, forMs);
  }

  #cutLine(random: SeededRandom, forMs: number, ends: readonly string[]): void {
    const [from, to, both] = [oneOf(random, PLACES), oneOf(random, ends), random.next() < 0.5];
    if (from === to) return;
    this.cluster.faults.count(both ? 'cut' : 'cut-one-way');
    this.#cut(from, to, forMs);
    if (both) this.#cut(to, from, forMs);
  }

  #cut(from: string, to: string, forMs: number): void {
    const { network, universe } = this.cluster;
    network.cut(from, to);
    universe.scheduler.after(forMs, () => network.heal(from, to));
  }
}

const PLACES: readonly string[] = [...REGIONS, ROUTER, 'clients'];
