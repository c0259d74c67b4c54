import type { RegionName } from '#libs/geo';
import { parseRepositoryName, parseTag, type RepositoryName, type Tag } from '#libs/oci';
import type { History, Operation } from '../checkers/history.js';
import { PRIMARY, REGIONS, type SimulatedCluster } from './cluster.js';
import type { FaultPlan } from './fault-plan.js';
import { type SampleBlob, type SampleManifest, sampleBlob, sampleImage, sampleIndex } from './sample-image.js';
import { SimulatedClient } from './simulated-client.js';

/** Layers that images share, so that some are there, and some are mounted. */
const SHARED_LAYERS = 6;

/** What clients do, drawn from the seed. */
export class Workload {
  readonly repositories: readonly RepositoryName[];
  readonly tags: readonly Tag[];
  readonly #shared: readonly SampleBlob[];
  /** Images that were sent somewhere: they may be there. */
  readonly #sent = new Map<RepositoryName, SampleManifest[]>();
  #left: number;
  #serial = 0;
  #working = 0;

  constructor(
    private readonly cluster: SimulatedCluster,
    private readonly history: History,
    private readonly plan: FaultPlan,
  ) {
    this.repositories = Array.from({ length: plan.repositories }, (_, at) => parseRepositoryName(`team/app${at}`));
    this.tags = Array.from({ length: plan.tags }, (_, at) => parseTag(`v${at}`));
    this.#shared = Array.from({ length: SHARED_LAYERS }, (_, at) => sampleBlob(`shared ${at}`, 20 + at * 40));
    this.#left = plan.operations;
  }

  get done(): boolean {
    return this.#working === 0 && this.#left <= 0;
  }

  start(): void {
    for (let index = 0; index < this.plan.clients; index += 1) {
      const home = REGIONS[index % REGIONS.length] ?? PRIMARY;
      const client = new SimulatedClient(`client${index}`, home, this.cluster, this.history);
      this.#working += 1;
      void this.#work(client).finally(() => {
        this.#working -= 1;
      });
    }
  }

  /** Reads every tag everywhere: what is true in the end. */
  async finalReads(): Promise<void> {
    const client = new SimulatedClient('final', PRIMARY, this.cluster, this.history);
    for (const repository of this.repositories) {
      for (const tag of this.tags) {
        for (const via of [...REGIONS, 'router'] as const)
          await client.pull(via, { kind: 'read-tag', repository, tag });
      }
      for (const region of REGIONS) await client.list(region, repository);
    }
  }

  async #work(client: SimulatedClient): Promise<void> {
    const { random } = this.cluster.universe;
    while (this.#left > 0) {
      this.#left -= 1;
      await this.#act(client);
      await this.cluster.network.pause(random.next() * this.plan.thinkMs);
    }
  }

  async #act(client: SimulatedClient): Promise<void> {
    const repository = this.#any(this.repositories);
    const tag = this.#any(this.tags);
    const readVia = this.#any<Operation['via']>([...REGIONS, 'router', 'router', 'router']);
    const writeVia = this.#any<Operation['via']>(['router', 'router', PRIMARY]);
    const known = this.#sent.get(repository) ?? [];
    const image = known.length === 0 ? undefined : this.#any(known);
    const dice = this.cluster.universe.random.next();
    if (image === undefined || dice < 0.25) return this.#push(client, writeVia, repository);
    if (dice < 0.32) return void (await client.push(writeVia, repository, image, this.#someTags(), this.repositories));
    if (dice < 0.37) return this.#pushIndex(client, writeVia, repository, known);
    if (dice < 0.44) return void (await client.deleteTag(writeVia, repository, tag));
    if (dice < 0.5) return void (await client.deleteManifest(writeVia, repository, image.digest));
    if (dice < 0.84) return void (await client.pull(readVia, { kind: 'read-tag', repository, tag }));
    if (dice < 0.94) {
      return void (await client.pull(readVia, { kind: 'read-manifest', repository, digest: image.digest }));
    }
    await client.list(this.#any<RegionName>(REGIONS), repository);
  }

  async #push(client: SimulatedClient, via: Operation['via'], repository: RepositoryName): Promise<void> {
    const { random } = this.cluster.universe;
    const layers = [this.#any(this.#shared)];
    if (random.next() < 0.6) layers.push(this.#newBlob());
    const known = this.#sent.get(repository) ?? [];
    const subject = known.length > 0 && random.next() < 0.2 ? this.#any(known) : undefined;
    const image = sampleImage(this.#newBlob(), layers, subject);
    const outcome = await client.push(via, repository, image, this.#someTags(), this.repositories);
    if (outcome !== 'fail') this.#remember(repository, image);
  }

  async #pushIndex(
    client: SimulatedClient,
    via: Operation['via'],
    repository: RepositoryName,
    known: readonly SampleManifest[],
  ): Promise<void> {
    this.#serial += 1;
    const index = sampleIndex([this.#any(known), this.#any(known)], `index ${this.#serial}`);
    const outcome = await client.push(via, repository, index, this.#someTags(), this.repositories);
    if (outcome !== 'fail') this.#remember(repository, index);
  }

  #remember(repository: RepositoryName, image: SampleManifest): void {
    this.#sent.set(repository, [...(this.#sent.get(repository) ?? []), image].slice(-6));
  }

  #someTags(): readonly Tag[] {
    const { random } = this.cluster.universe;
    const count = this.#any([0, 1, 1, 1, 2]);
    const start = random.below(this.tags.length);
    return Array.from({ length: Math.min(count, this.tags.length) }, (_, at) => {
      return this.tags[(start + at) % this.tags.length] ?? parseTag('v0');
    });
  }

  #newBlob(): SampleBlob {
    this.#serial += 1;
    return sampleBlob(`blob ${this.#serial}`, 10 + this.cluster.universe.random.below(200));
  }

  #any<T>(choices: readonly T[]): T {
    const chosen = choices[this.cluster.universe.random.below(choices.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  }
}
