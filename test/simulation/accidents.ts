import { oneOf } from './chance.js';
import { PRIMARY, REGIONS, type SimulatedCluster } from './cluster.js';

const REPLICAS = REGIONS.filter((region) => region !== PRIMARY);

const MOST_DOWN_MS = 3_000;

/** What befalls whole regions, now and then: a replica is lost with its bucket, and begins anew. */
export class Accidents {
  #stopped = false;

  constructor(private readonly cluster: SimulatedCluster) {}

  start(): void {
    if (this.cluster.faults.plan.bucketPauseMs > 0) void this.#happen();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #happen(): Promise<void> {
    const { universe, network, faults } = this.cluster;
    for (let act = 1; ; act += 1) {
      const random = universe.chance.of(`bucket ${act}`);
      await network.pause((0.5 + random.next() * 1.5) * faults.plan.bucketPauseMs);
      if (this.#stopped) return;
      const [region, downMs] = [oneOf(random, REPLICAS), random.next() * MOST_DOWN_MS];
      if (!universe.script.plays(`bucket ${act}`)) continue;
      faults.count('bucket-lost');
      universe.trace.say('accident', `${region} is lost`);
      this.cluster.lose(region, downMs);
    }
  }
}
