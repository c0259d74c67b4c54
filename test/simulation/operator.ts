import { parsePolicy, type RegionName } from '#libs/geo';
import { putPolicy } from '#libs/registry';
import { ControlStore, type RegionControls } from '#libs/replication';
import type { SeededRandom } from '#libs/resilience/testing';
import { oneOf } from './chance.js';
import { PRIMARY, REGIONS, type SimulatedCluster } from './cluster.js';
import { neverAborted } from './never-aborted.js';

const REPLICAS = REGIONS.filter((region) => region !== PRIMARY);

/**
 * Somebody who changes things while everything goes on: a repository is kept from a replica, and given back; a replica pauses,
 * goes on, or copies less at once.
 */
export class Operator {
  #stopped = false;

  constructor(private readonly cluster: SimulatedCluster) {}

  start(): void {
    const { rulePauseMs, steerPauseMs } = this.cluster.faults.plan;
    if (rulePauseMs > 0) void this.#rule();
    if (steerPauseMs > 0) void this.#steer(steerPauseMs);
  }

  /** Whoever was told to wait goes on. */
  stop(): void {
    this.#stopped = true;
    if (this.cluster.faults.plan.steerPauseMs === 0) return;
    for (const region of REPLICAS) void this.#want(region, { pausedSinceMs: undefined, limits: undefined });
  }

  async #steer(pauseMs: number): Promise<void> {
    const { universe, network, faults } = this.cluster;
    for (let act = 1; ; act += 1) {
      const random = universe.chance.of(`steer ${act}`);
      await network.pause(random.next() * 2 * pauseMs);
      if (this.#stopped) return;
      const region = oneOf(random, REPLICAS);
      const limits = random.next() < 0.5 ? [{ copies: 1 }] : undefined;
      const pausedSinceMs = random.next() < 0.5 ? 1 : undefined;
      if (!universe.script.plays(`steer ${act}`)) continue;
      faults.count('steering');
      universe.trace.say('operator', `${region} ${pausedSinceMs === undefined ? 'goes on' : 'pauses'}`);
      await this.#want(region, { pausedSinceMs, limits });
    }
  }

  async #want(region: RegionName, wishes: Pick<RegionControls, 'pausedSinceMs' | 'limits'>): Promise<void> {
    const controls = new ControlStore(this.cluster.region(region).store);
    await controls.change((before) => ({ ...before, ...wishes }), neverAborted());
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
      const seq = (await node.content.policies.current(neverAborted()))?.seq ?? 0;
      await putPolicy(node.content, node.journal, parsePolicy({ rules }), seq, neverAborted());
    } catch (error) {
      cluster.universe.trace.say('operator', `refused: ${String(error)}`);
    }
  }
}
