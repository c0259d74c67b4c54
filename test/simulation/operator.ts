import { parsePolicy } from '#libs/geo';
import { putPolicy } from '#libs/registry';
import type { SeededRandom } from '#libs/resilience/testing';
import { oneOf } from './chance.js';
import { PRIMARY, REGIONS, type SimulatedCluster } from './cluster.js';

const REPLICAS = REGIONS.filter((region) => region !== PRIMARY);
const forever = new AbortController().signal;

/** Somebody who changes the rules while everything goes on: a repository is kept from a replica, and given back. */
export class Operator {
  #stopped = false;

  constructor(private readonly cluster: SimulatedCluster) {}

  start(): void {
    if (this.cluster.faults.plan.rulePauseMs > 0) void this.#rule();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #rule(): Promise<void> {
    const { universe, network, faults } = this.cluster;
    for (let act = 1; ; act += 1) {
      const random = universe.chance.of(`rules ${act}`);
      await network.pause(random.next() * 2 * faults.plan.rulePauseMs);
      if (this.#stopped) return;
      if (universe.script.plays(`rules ${act}`)) await this.#change(random);
    }
  }

  async #change(random: SeededRandom): Promise<void> {
    const { cluster } = this;
    const repositories = `team/app${random.below(cluster.faults.plan.repositories)}`;
    const regions = oneOf(random, [['*'], [oneOf(random, REPLICAS)]]);
    const rules = random.next() < 0.6 ? [{ regions, repositories, action: 'exclude' }] : [];
    const node = cluster.pick(PRIMARY);
    if (node?.journal === undefined) return;
    cluster.faults.count('rules');
    cluster.universe.trace.say('operator', `rules ${JSON.stringify(rules)}`);
    try {
      const seq = (await node.content.policies.current(forever))?.seq ?? 0;
      await putPolicy(node.content, node.journal, parsePolicy({ rules }), seq, forever);
    } catch (error) {
      cluster.universe.trace.say('operator', `refused: ${String(error)}`);
    }
  }
}
