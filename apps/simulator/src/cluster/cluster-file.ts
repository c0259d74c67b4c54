import { rm } from 'node:fs/promises';
import { writeFileAtomically } from '../atomic-file.js';
import type { DataDirectory } from '../data-directory.js';
import { type ClusterPlan, localUrl, type RegionPlan } from './plan.js';

/** The id of a process by its name (`eastus-registry`), or `undefined` while it is down. */
export type PidOf = (name: string) => number | undefined;

/** What other programs find the running cluster by. Pids are left out while a process is down. */
export function describeCluster(plan: ClusterPlan, pidOf: PidOf) {
  return {
    router: localUrl(plan.ports.router),
    routerAdmin: localUrl(plan.ports.routerOperator),
    routerMetrics: `${localUrl(plan.ports.routerOperator)}/metrics`,
    regions: plan.regions.map((region) => describeRegion(plan, region, pidOf)),
    wan: localUrl(plan.ports.wan),
    pid: process.pid,
    pids: { router: pidOf('router') },
  };
}

function describeRegion(plan: ClusterPlan, region: RegionPlan, pidOf: PidOf) {
  const { name, role, ports } = region;
  return {
    name,
    role,
    registry: localUrl(ports.registry),
    metrics: `${localUrl(ports.operator)}/metrics`,
    admin: localUrl(ports.operator),
    redis: `redis://127.0.0.1:${ports.redis}`,
    replicatorMetrics: `${localUrl(ports.replicatorOperator)}/metrics`,
    /** The router as this region's clients reach it. */
    router: plan.routerUrlFrom(region),
    /** Every region's registry as this region's clients reach it. */
    registries: Object.fromEntries(plan.regions.map((to) => [to.name, plan.registryUrlFrom(region, to)])),
    pid: pidOf(`${name}-registry`),
    pids: {
      registry: pidOf(`${name}-registry`),
      replicator: pidOf(`${name}-replicator`),
      redis: pidOf(`${name}-redis`),
    },
  };
}

/** Keeps the file true from {@link open} until {@link remove}. Writes follow each other; the last one wins. */
export class ClusterFile {
  #isOpen = false;
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly data: DataDirectory,
    private readonly plan: ClusterPlan,
    private readonly pidOf: PidOf,
  ) {}

  /** The cluster is up. */
  open(): Promise<void> {
    this.#isOpen = true;
    return this.update();
  }

  update(): Promise<void> {
    this.#last = this.#last.then(() => this.#write());
    return this.#last;
  }

  async remove(): Promise<void> {
    this.#isOpen = false;
    await this.#last.catch(() => undefined);
    await rm(this.data.clusterFile, { force: true });
  }

  async #write(): Promise<void> {
    if (!this.#isOpen) return;
    const text = JSON.stringify(describeCluster(this.plan, this.pidOf), undefined, 2);
    await writeFileAtomically(this.data.clusterFile, `${text}\n`);
  }
}
