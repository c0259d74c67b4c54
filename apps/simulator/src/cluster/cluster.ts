import { rmSync } from 'node:fs';
import type { Clock, Random } from '#libs/resilience';
import type { Options } from '../arguments.js';
import type { DataDirectory } from '../data-directory.js';
import { portsInUse, requireFreePorts } from '../ports.js';
import type { Terminal } from '../terminal.js';
import { whileWorking } from '../while-working.js';
import { ClusterFile } from './cluster-file.js';
import { writeConfigFiles } from './config-files.js';
import { type OpenNetwork, openNetwork } from './network.js';
import type { ClusterPlan } from './plan.js';
import type { ProcessSpec } from './process-spec.js';
import { appProcesses, childEnvironment, redisProcesses } from './processes.js';
import { findRedis } from './redis-process.js';
import { keepSecret, keepSigningKey } from './secrets.js';
import { prepareStorage, type RegionStorage } from './storage.js';
import { Supervisor } from './supervisor.js';

export interface ClusterContext {
  readonly plan: ClusterPlan;
  readonly options: Options;
  readonly data: DataDirectory;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: NodeJS.ProcessEnv;
}

/** Everything that runs: the regions' processes, the router, and the network between them. */
export class Cluster {
  readonly #supervisor: Supervisor;
  readonly #file: ClusterFile;
  #network: OpenNetwork | undefined;

  constructor(private readonly context: ClusterContext) {
    const { plan, data, terminal, clock } = context;
    this.#supervisor = new Supervisor(
      {
        // A file that cannot be written now is written at the next change.
        changed: () => void this.#file.update().catch(() => undefined),
        died: (name, how, delayMs) => terminal.warn(`${name} ${how}: starting it again in ${delayMs} ms`),
        recovered: (name) => terminal.done(`${name} is back`),
      },
      clock,
    );
    this.#file = new ClusterFile(data, plan, (name) => this.#supervisor.pidOf(name));
  }

  /** Resolves when every region is ready. What had begun when it rejects is ended by {@link stop}. */
  async start(signal: AbortSignal): Promise<void> {
    const { plan, options, data, clock, random, environment } = this.context;
    const names = plan.regions.map(({ name }) => name);
    // One that was killed could not take its file away.
    await this.#file.remove();
    await requireFreePorts(portsInUse(plan.ports, names));
    const redis = await findRedis(environment);
    const context = { data, random, clock, environment: childEnvironment(environment) };
    const signingKeyFiles = new Map<string, string>();
    for (const { name } of plan.regions)
      signingKeyFiles.set(name, (await keepSigningKey(data, `${name}-signing-key`)).file);
    const storages = new Map<string, RegionStorage>();
    for (const region of plan.regions)
      storages.set(region.name, await prepareStorage(options.storage, region, { ...context, environment }));
    await writeConfigFiles({
      plan,
      data,
      clusterKeyFile: (await keepSecret(data, 'cluster-key', random)).file,
      signingKeyFiles,
      storages,
    });
    this.#network = await openNetwork(plan, this.#supervisor, clock);
    const stores = [...storages.values()].flatMap(({ process }) => process ?? []);
    await this.#startAll([...redisProcesses(redis, plan, context), ...stores], signal);
    await this.#startAll(appProcesses(plan, context), signal);
    await this.#file.open();
  }

  async stop(): Promise<void> {
    await this.#file.remove();
    await this.#supervisor.stop();
    await this.#network?.close();
  }

  /** For a person in a hurry: nothing is awaited. */
  kill(): void {
    rmSync(this.context.data.clusterFile, { force: true });
    this.#supervisor.kill();
  }

  async #startAll(specs: readonly ProcessSpec[], signal: AbortSignal): Promise<void> {
    let waitingFor: readonly string[] = [];
    const onReady = (names: readonly string[]): void => {
      waitingFor = names;
    };
    const starting = this.#supervisor.start(specs, onReady, signal);
    const { terminal, clock } = this.context;
    await whileWorking(terminal, clock, () => `starting ${waitingFor.join(', ')}`, starting);
  }
}
