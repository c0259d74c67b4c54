import type { Logger } from 'pino';
import type { RegionName, Topology } from '#libs/geo';
import type { RepositoryName } from '#libs/oci';
import type { PeerClient } from '#libs/peer';
import { AwakeTime, TICK_MS } from '../../apps/router/src/awake-time.js';
import { RegionFeeds } from '../../apps/router/src/region-feed.js';
import { RegionKnowledge } from '../../apps/router/src/region-knowledge.js';
import type { SimulatedProcess } from './simulated-process.js';

/** The router's ears and memory, those of the application; only its mouth, which speaks HTTP, is left out. */
export class RouterProcess {
  readonly #knowledge: RegionKnowledge;
  readonly #time: AwakeTime;

  constructor(
    readonly process: SimulatedProcess,
    topology: Topology,
    peers: readonly PeerClient[],
    /** A planted bug. */
    private readonly ignorant = false,
  ) {
    const { clock, random, signal, universe } = process;
    this.#time = new AwakeTime(clock);
    this.#knowledge = new RegionKnowledge(topology, this.#time);
    const say = (_fields: unknown, what: string): void => universe.trace.say(process.name, what);
    const log = { debug: () => undefined, warn: say } as unknown as Logger;
    void new RegionFeeds(peers, this.#knowledge, clock, random, log).follow(signal);
    void this.#tick();
  }

  /** Where a read goes; `undefined` when no region can be used. */
  route(client: RegionName, repository: RepositoryName): RegionName | undefined {
    if (this.ignorant) return client;
    const decision = this.#knowledge.decide(client, repository);
    this.process.universe.trace.say(
      this.process.name,
      `route ${client} ${repository} -> ${decision.site?.name} ${decision.reason}`,
    );
    return decision.site?.name;
  }

  /** A write passed through, and its place in the journal is known before its client hears of it. */
  learn(seq: number, repository: RepositoryName): void {
    this.#knowledge.learn(seq, repository);
  }

  async #tick(): Promise<void> {
    for (;;) {
      this.#time.tick();
      await this.process.sleep(TICK_MS, this.process.signal);
    }
  }
}
