import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortBase } from './ports.js';
import { isRunning, startNode, type TestProcess } from './process.js';
import { waitFor } from './wait-for.js';

/** One region of a running cluster, as the simulator writes it to cluster.json. */
export interface ClusterRegion {
  readonly name: string;
  readonly role: 'primary' | 'replica';
  /** URL for clients and peers. */
  readonly registry: string;
  readonly metrics: string;
  readonly replicatorMetrics: string;
  readonly admin: string;
  readonly redis: string;
  /** Each region's registry as a client in this region reaches it. */
  readonly registries: Readonly<Record<string, string>>;
  /** Of the registry; left out while it is down. */
  readonly pid?: number;
  readonly pids?: Readonly<Record<string, number>>;
}

interface ClusterDescription {
  readonly router: string;
  readonly regions: readonly ClusterRegion[];
  /** URL of the control of the simulated network. */
  readonly wan: string;
  readonly pid?: number;
  readonly pids?: Readonly<Record<string, number>>;
}

export interface ClusterOptions {
  /** Names; the first is the primary. Without it: the simulator's own three. */
  readonly regions?: readonly string[];
  /** Further arguments of the simulator. */
  readonly args?: readonly string[];
  /** Where its directory is made, and left when it is stopped. Without it: where the system has temporary files, and removed. */
  readonly within?: string;
}

/** What it was started with: the same once more is the same cluster. */
interface ClusterStart {
  readonly directory: string;
  readonly portBase: number;
  readonly args: readonly string[];
  readonly keeps: boolean;
}

/** More than the simulator uses for nine regions. */
const PORTS = 200;
const READY_WITHIN_MS = 90_000;
const GONE_WITHIN_MS = 15_000;

/** A whole cluster: every region with its processes and Redis, the network between them, and the router. */
export class Cluster {
  private constructor(
    private readonly start: ClusterStart,
    private process: TestProcess,
    private description: ClusterDescription,
  ) {}

  static async start({ regions, args = [], within }: ClusterOptions = {}): Promise<Cluster> {
    const directory = await mkdtemp(join(within ?? tmpdir(), 'meridian-cluster-'));
    const named = regions === undefined ? [] : ['--regions', regions.join(',')];
    const portBase = await freePortBase(PORTS);
    const start = { directory, portBase, args: [...named, ...args], keeps: within !== undefined };
    return new Cluster(start, await startSimulator(start), await describe(directory));
  }

  get directory(): string {
    return this.start.directory;
  }

  get simulator(): TestProcess {
    return this.process;
  }

  /** URL of the router. */
  get router(): string {
    return this.description.router;
  }

  get wan(): string {
    return this.description.wan;
  }

  get regions(): readonly ClusterRegion[] {
    return this.description.regions;
  }

  get primary(): ClusterRegion {
    return this.#find((region) => region.role === 'primary', 'a primary');
  }

  get replicas(): readonly ClusterRegion[] {
    return this.regions.filter((region) => region.role === 'replica');
  }

  region(name: string): ClusterRegion {
    return this.#find((region) => region.name === name, `a region ${name}`);
  }

  /** Reads cluster.json again: process ids change when something was restarted. */
  async refresh(): Promise<void> {
    this.description = await describe(this.directory);
  }

  /** Ends it as an operator would, and makes sure that no process of it is left. */
  async stop(): Promise<void> {
    await this.#end();
    if (!this.start.keeps) await rm(this.directory, { recursive: true, force: true });
  }

  /** Ends it and starts it again, on the same data and ports. */
  async restart(): Promise<void> {
    await this.#end();
    this.process = await startSimulator(this.start);
    await this.refresh();
  }

  async #end(): Promise<void> {
    await this.refresh().catch(() => undefined);
    const pids = this.#pids();
    await this.process.stop('SIGTERM');
    await waitFor(() => !pids.some(isRunning), {
      what: 'every process of the cluster to be gone',
      withinMs: GONE_WITHIN_MS,
    });
  }

  #pids(): number[] {
    const { pid, pids, regions } = this.description;
    const all = [
      pid,
      ...Object.values(pids ?? {}),
      ...regions.flatMap((each) => [each.pid, ...Object.values(each.pids ?? {})]),
    ];
    return [...new Set(all.filter((each) => each !== undefined))];
  }

  #find(matches: (region: ClusterRegion) => boolean, what: string): ClusterRegion {
    const found = this.regions.find(matches);
    if (found === undefined) throw new Error(`the cluster has no ${what}`);
    return found;
  }
}

function startSimulator({ directory, portBase, args }: ClusterStart): Promise<TestProcess> {
  return startNode({
    name: 'simulator',
    script: 'apps/simulator/src/main.js',
    args: ['--data', directory, '--port-base', String(portBase), '--no-demo', ...args],
    // The file is written when the cluster is up.
    isReady: async () => (await describe(directory)) !== undefined,
    readyWithinMs: READY_WITHIN_MS,
  });
}

/** `localhost:5510` of `http://localhost:5510`: what clients put before a repository's name. */
export const hostOf = (url: string) => new URL(url).host;

async function describe(directory: string): Promise<ClusterDescription> {
  return JSON.parse(await readFile(join(directory, 'cluster.json'), 'utf8')) as ClusterDescription;
}
