import { parseRepositoryName, parseTag, type RepositoryName, type Tag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import type { History, Outcome } from '../checkers/index.js';
import {
  type SampleBlob,
  type SampleManifest,
  sampleBlob,
  sampleImage,
  sampleIndex,
} from '../simulation/sample-image.js';
import { NemesisClient } from './client.js';
import { PRIMARY, REGIONS } from './places.js';
import { ROUTER, type World } from './world.js';

export interface WorkloadOptions {
  readonly seed: number;
  readonly clients: number;
  /** Of all operations, the part that is pushes of new images: 0.25 is a mix, 1 is nothing else. */
  readonly pushShare: number;
  /** Images of one small blob, sent in two requests: as many as a machine can take. */
  readonly tiny: boolean;
  /** Between two operations of a client. */
  readonly pauseMs: number;
  readonly repositories: number;
  /** Of each repository; all of them are read everywhere in the end. */
  readonly tags: number;
}

const SHARED_LAYERS = 6;
const REMEMBERED = 6;
const BLOB_BYTES = 4_000;
const READERS = 6;

/** What clients do, drawn from the seed; what they meet is not. */
export class Workload {
  readonly repositories: readonly RepositoryName[];
  readonly tags: readonly Tag[];
  readonly #shared: readonly SampleBlob[];
  /** Images that were sent somewhere: they may be there. */
  readonly #sent = new Map<RepositoryName, SampleManifest[]>();
  #serial = 0;

  constructor(
    private readonly world: World,
    private readonly history: History,
    private readonly options: WorkloadOptions,
  ) {
    this.repositories = Array.from({ length: options.repositories }, (_, at) => parseRepositoryName(`team/app${at}`));
    this.tags = Array.from({ length: options.tags }, (_, at) => parseTag(`v${at}`));
    this.#shared = Array.from({ length: SHARED_LAYERS }, (_, at) =>
      sampleBlob(`shared ${options.seed} ${at}`, 200 + at * 8_000),
    );
  }

  /** Resolves when every client has finished what it was at after `until` aborted. */
  async run(until: AbortSignal, signal: AbortSignal): Promise<void> {
    const clients = Array.from({ length: this.options.clients }, async (_, index) => {
      const random = new SeededRandom(this.options.seed * 1_009 + index);
      const client = this.client(`client${index}`, REGIONS[index % REGIONS.length] ?? PRIMARY, random, signal);
      while (!until.aborted) {
        await this.#step(client, random);
        await systemClock.sleep(random.next() * 2 * this.options.pauseMs, until).catch(() => undefined);
      }
    });
    await Promise.all(clients);
  }

  client(name: string, home: string, random: SeededRandom, signal: AbortSignal): NemesisClient {
    return new NemesisClient(name, home, this.world, this.history, random, signal);
  }

  /** Reads every tag everywhere, whole: what is true in the end. */
  async finalReads(signal: AbortSignal): Promise<void> {
    await Promise.all(
      [...REGIONS, ROUTER].map(async (via, index) => {
        const home = REGIONS[index] ?? PRIMARY;
        const client = this.client(`final-${via}`, home, new SeededRandom(index), signal);
        for (const repository of this.repositories) {
          for (const tag of this.tags) await client.pull(via, { kind: 'read-tag', repository, tag });
          await client.list(via, repository);
        }
      }),
    );
  }

  /** Pulls every image that was acknowledged and not deleted since, by its digest, in every region. */
  async readEveryPush(signal: AbortSignal): Promise<void> {
    const left = this.history.operations.flatMap(({ action, outcome }) =>
      action.kind === 'push' && outcome === 'ok' ? [action] : [],
    );
    const hands = Array.from({ length: READERS }, async (_, hand) => {
      const clients = REGIONS.map((region) => ({
        region,
        client: this.client(`final-${region}-${hand}`, region, new SeededRandom(hand), signal),
      }));
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const { repository, digest } = next;
        for (const { region, client } of clients)
          await client.pull(region, { kind: 'read-manifest', repository, digest });
      }
    });
    await Promise.all(hands);
  }

  async #step(client: NemesisClient, random: SeededRandom): Promise<void> {
    const any = <T>(choices: readonly T[]): T => choices[random.below(choices.length)] as T;
    const repository = any(this.repositories);
    const tag = any(this.tags);
    const readVia = any([ROUTER, ROUTER, client.home, client.home, any(REGIONS)]);
    const writeVia = any([ROUTER, ROUTER, PRIMARY]);
    const known = this.#sent.get(repository) ?? [];
    const image = known.length === 0 ? undefined : any(known);
    if (image === undefined || random.next() < this.options.pushShare)
      return void (await this.pushNew(client, random, writeVia, { repository }));
    const dice = random.next();
    if (dice < 0.09)
      return void (await client.push(writeVia, repository, image, this.#someTags(random), this.repositories));
    if (dice < 0.14) return this.#pushIndex(client, random, writeVia, repository, [any(known), any(known)]);
    if (dice < 0.21) return void (await client.deleteTag(writeVia, repository, tag));
    if (dice < 0.26) return void (await client.deleteManifest(writeVia, repository, image.digest));
    if (dice < 0.78) return void (await client.pull(readVia, { kind: 'read-tag', repository, tag }));
    if (dice < 0.93)
      return void (await client.pull(readVia, { kind: 'read-manifest', repository, digest: image.digest }));
    await client.list(any(REGIONS), repository);
  }

  /** Pushes what nobody has pushed before; where nothing is said of it, anywhere. */
  async pushNew(
    client: NemesisClient,
    random: SeededRandom,
    via: string,
    {
      repository = this.repositories[random.below(this.repositories.length)] as RepositoryName,
      tags = this.#someTags(random),
    } = {},
  ): Promise<Outcome> {
    const image = this.options.tiny ? sampleImage(this.#newBlob(random), []) : this.#newImage(random, repository);
    const others = this.options.tiny ? undefined : this.repositories;
    const outcome = await client.push(via, repository, image, tags, others);
    if (outcome !== 'fail') this.#remember(repository, image);
    return outcome;
  }

  #newImage(random: SeededRandom, repository: RepositoryName): SampleManifest {
    const layers = [this.#shared[random.below(SHARED_LAYERS)] ?? this.#newBlob(random)];
    if (random.next() < 0.6) layers.push(this.#newBlob(random));
    const known = this.#sent.get(repository) ?? [];
    const subject = random.next() < 0.1 ? known[random.below(known.length)] : undefined;
    return sampleImage(this.#newBlob(random), layers, subject);
  }

  async #pushIndex(
    client: NemesisClient,
    random: SeededRandom,
    via: string,
    repository: RepositoryName,
    children: readonly SampleManifest[],
  ): Promise<void> {
    this.#serial += 1;
    const index = sampleIndex(children, `index ${this.options.seed} ${this.#serial}`);
    const outcome = await client.push(via, repository, index, this.#someTags(random));
    if (outcome !== 'fail') this.#remember(repository, index);
  }

  #remember(repository: RepositoryName, image: SampleManifest): void {
    this.#sent.set(repository, [...(this.#sent.get(repository) ?? []), image].slice(-REMEMBERED));
  }

  #someTags(random: SeededRandom): readonly Tag[] {
    const count = [0, 1, 1, 1, 2][random.below(5)] ?? 1;
    const start = random.below(this.tags.length);
    return Array.from({ length: count }, (_, at) => this.tags[(start + at) % this.tags.length] ?? parseTag('v0'));
  }

  #newBlob(random: SeededRandom): SampleBlob {
    this.#serial += 1;
    return sampleBlob(
      `blob ${this.options.seed} ${this.#serial}`,
      100 + random.below(this.options.tiny ? 100 : BLOB_BYTES),
    );
  }
}
