import { type Digest, parseRepositoryName, parseTag, type RepositoryName, type Tag } from '#libs/oci';
import type { SeededRandom } from '#libs/resilience/testing';
import type { Condition, History, Operation } from '../checkers/history.js';
import { oneOf } from './chance.js';
import { PRIMARY, REGIONS, type SimulatedCluster } from './cluster.js';
import type { FaultPlan } from './fault-plan.js';
import { type SampleBlob, type SampleManifest, sampleBlob, sampleImage, sampleIndex } from './sample-image.js';
import { SimulatedClient } from './simulated-client.js';

/** Layers that images share, so that some are there, and some are mounted. */
const SHARED_LAYERS = 6;

/** What one request is made of; all of its chance is its own, so that leaving out another changes nothing here. */
interface Request {
  readonly number: number;
  readonly client: SimulatedClient;
  readonly random: SeededRandom;
  readonly repository: RepositoryName;
  readonly writeVia: Operation['via'];
}

/** What clients do, drawn from the seed. */
export class Workload {
  readonly repositories: readonly RepositoryName[];
  readonly tags: readonly Tag[];
  readonly #shared: readonly SampleBlob[];
  /** Images that were sent somewhere: they may be there. */
  readonly #sent = new Map<RepositoryName, SampleManifest[]>();
  #working = 0;

  constructor(
    private readonly cluster: SimulatedCluster,
    private readonly history: History,
    private readonly plan: FaultPlan,
  ) {
    this.repositories = Array.from({ length: plan.repositories }, (_, at) => parseRepositoryName(`team/app${at}`));
    this.tags = Array.from({ length: plan.tags }, (_, at) => parseTag(`v${at}`));
    this.#shared = Array.from({ length: SHARED_LAYERS }, (_, at) => sampleBlob(`shared ${at}`, 20 + at * 40));
  }

  get done(): boolean {
    return this.#working === 0;
  }

  start(): void {
    for (let index = 0; index < this.plan.clients; index += 1) {
      const home = REGIONS[index % REGIONS.length] ?? PRIMARY;
      const client = new SimulatedClient(`client${index}`, home, this.cluster, this.history);
      this.#working += 1;
      void this.#work(client, index).finally(() => {
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

  async #work(client: SimulatedClient, index: number): Promise<void> {
    const { chance, script } = this.cluster.universe;
    for (let number = index; number < this.plan.operations; number += this.plan.clients) {
      const random = chance.of(`request ${number}`);
      const thinkMs = random.next() * this.plan.thinkMs;
      const repository = oneOf(random, this.repositories);
      const writeVia = oneOf<Operation['via']>(random, ['router', 'router', PRIMARY]);
      if (script.plays(`request ${number}`)) await this.#act({ number, client, random, repository, writeVia });
      await this.cluster.network.pause(thinkMs);
    }
  }

  async #act(request: Request): Promise<void> {
    const { client, random, repository, writeVia } = request;
    const tag = oneOf(random, this.tags);
    const readVia = oneOf<Operation['via']>(random, [...REGIONS, 'router', 'router', 'router']);
    const known = this.#sent.get(repository) ?? [];
    const image = known.length === 0 ? undefined : oneOf(random, known);
    const dice = random.next();
    if (image === undefined || dice < 0.25) return this.#push(request);
    if (dice < 0.3) return void (await client.push(writeVia, { repository, image, tags: this.#someTags(random) }));
    if (dice < 0.34) return this.#swap(request, tag, image, known);
    if (dice < 0.36) return this.#pushHastily(request);
    if (dice < 0.4) return this.#pushIndex(request, known);
    if (dice < 0.46) return void (await client.deleteTag(writeVia, repository, tag));
    if (dice < 0.52) return void (await client.deleteManifest(writeVia, repository, image.digest));
    if (dice < 0.84) return void (await client.pull(readVia, { kind: 'read-tag', repository, tag }));
    if (dice < 0.94) {
      return void (await client.pull(readVia, { kind: 'read-manifest', repository, digest: image.digest }));
    }
    await client.list(oneOf(random, REGIONS), repository);
  }

  async #push(request: Request): Promise<void> {
    const { client, random, repository, writeVia } = request;
    const image = this.#newImage(request);
    const from = random.next() < 0.3 ? oneOf(random, this.repositories) : undefined;
    const tags = this.#someTags(random);
    const outcome = await client.push(writeVia, { repository, image, tags, ...(from === undefined ? {} : { from }) });
    if (outcome !== 'fail') this.#remember(repository, image);
  }

  /** Moves a tag if it is what the client believes it is. */
  async #swap(
    { client, random, repository, writeVia }: Request,
    tag: Tag,
    image: SampleManifest,
    known: readonly SampleManifest[],
  ): Promise<void> {
    const expected: readonly Digest[] = [oneOf(random, known).digest, oneOf(random, known).digest];
    const condition = oneOf<Condition>(random, ['absent', 'present', expected]);
    await client.push(writeVia, { repository, image, tags: [tag], condition });
  }

  /** Sends a manifest and not its blobs. It has to be refused, or be whole all the same. */
  async #pushHastily(request: Request): Promise<void> {
    const { client, random, repository, writeVia } = request;
    const image = this.#newImage(request);
    await client.push(writeVia, { repository, image, tags: this.#someTags(random), hasty: true });
  }

  async #pushIndex({ client, random, repository, writeVia, number }: Request, known: readonly SampleManifest[]) {
    const image = sampleIndex([oneOf(random, known), oneOf(random, known)], `index ${number}`);
    const outcome = await client.push(writeVia, { repository, image, tags: this.#someTags(random) });
    if (outcome !== 'fail') this.#remember(repository, image);
  }

  #newImage({ number, random, repository }: Request): SampleManifest {
    const newBlob = (name: string) => sampleBlob(`${name} ${number}`, 10 + random.below(200));
    const layers = [oneOf(random, this.#shared)];
    if (random.next() < 0.6) layers.push(newBlob('layer'));
    const known = this.#sent.get(repository) ?? [];
    const subject = known.length > 0 && random.next() < 0.2 ? oneOf(random, known) : undefined;
    return sampleImage(newBlob('config'), layers, subject);
  }

  #remember(repository: RepositoryName, image: SampleManifest): void {
    this.#sent.set(repository, [...(this.#sent.get(repository) ?? []), image].slice(-6));
  }

  #someTags(random: SeededRandom): readonly Tag[] {
    const count = oneOf(random, [0, 1, 1, 1, 2]);
    const start = random.below(this.tags.length);
    return Array.from({ length: Math.min(count, this.tags.length) }, (_, at) => {
      return this.tags[(start + at) % this.tags.length] ?? parseTag('v0');
    });
  }
}
