import { Readable } from 'node:stream';
import type { RegionName } from '#libs/geo';
import { type Digest, digestOf, parseManifest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import type { BlobUploads, Precondition, Push } from '#libs/registry';
import type { SeededRandom } from '#libs/resilience/testing';
import type { Action, Condition, History, Operation, Outcome } from '../checkers/history.js';
import { PRIMARY, ROUTER, type SimulatedCluster } from './cluster.js';
import { callRemote, type Place } from './network.js';
import { neverAborted } from './never-aborted.js';
import type { RegistryProcess } from './registry-process.js';
import type { SampleBlob, SampleManifest } from './sample-image.js';
import type { SimulatedProcess } from './simulated-process.js';

/** A client gives up on a request after this time, and does not know what became of it. */
const PATIENCE_MS = 45_000;

const UPLOAD_ATTEMPTS = 5;

export interface SampleUpload {
  readonly repository: RepositoryName;
  readonly image: SampleManifest;
  readonly tags: readonly Tag[];
  /** Where blobs are mounted from, if they are there. */
  readonly from?: RepositoryName;
  /** Without its blobs. */
  readonly hasty?: true;
  readonly condition?: Condition;
}

/** One who pushes and pulls, and writes down what was asked and what was answered. */
export class SimulatedClient {
  readonly #random: SeededRandom;
  /** When the question was asked whose answer says that the last blob is there. */
  #confirmedMs = 0;

  constructor(
    readonly name: string,
    readonly home: RegionName,
    private readonly cluster: SimulatedCluster,
    private readonly history: History,
  ) {
    this.#random = cluster.universe.chance.of(`client ${name}`);
  }

  /** Blobs first, then the manifest with its tags. Says whether it was accepted. */
  async push(
    via: Operation['via'],
    { repository, image, tags, from, hasty, condition }: SampleUpload,
  ): Promise<Outcome> {
    let reliedMs = Number.POSITIVE_INFINITY;
    for (const blob of hasty === true ? [] : image.blobs) {
      if (!(await this.#upload(repository, blob, from))) return 'unknown';
      reliedMs = Math.min(reliedMs, this.#confirmedMs);
    }
    const { digest, children, mediaType, content } = image;
    const blobs = image.blobs.map((blob) => blob.digest);
    const action: Action = { kind: 'push', repository, digest, tags, blobs, children, ...given({ condition }) };
    const [first, ...rest] = tags;
    const reference =
      first === undefined ? ({ kind: 'digest', digest } as const) : ({ kind: 'tag', tag: first } as const);
    const precondition = condition === undefined ? undefined : preconditionOf(condition);
    const upload = { repository, reference, tags: rest, contentType: mediaType, content, ...given({ precondition }) };
    const relied = Number.isFinite(reliedMs) ? { reliedMs } : {};
    return this.#change(via, action, (push) => push.manifest(upload, neverAborted()), relied);
  }

  deleteTag(via: Operation['via'], repository: RepositoryName, tag: Tag): Promise<Outcome> {
    const action: Action = { kind: 'delete-tag', repository, tag };
    return this.#change(via, action, (push) => push.deleteManifest(repository, { kind: 'tag', tag }, neverAborted()));
  }

  deleteManifest(via: Operation['via'], repository: RepositoryName, digest: Digest): Promise<Outcome> {
    const action: Action = { kind: 'delete-manifest', repository, digest };
    return this.#change(via, action, (push) =>
      push.deleteManifest(repository, { kind: 'digest', digest }, neverAborted()),
    );
  }

  /** Pulls by tag or digest, whole: the manifest, its children, and every blob, all from where the first came from. */
  async pull(
    via: Operation['via'],
    action: Extract<Action, { readonly kind: 'read-tag' | 'read-manifest' }>,
  ): Promise<Digest | undefined> {
    const operation = this.#begin(via, action);
    const { repository } = action;
    try {
      const routed = await this.#routed(via, repository);
      if (routed === undefined) throw new Error('no region can be used');
      const region = await this.#admitted(routed, action);
      operation.region = region;
      const reference =
        action.kind === 'read-tag'
          ? ({ kind: 'tag', tag: action.tag } as const)
          : ({ kind: 'digest', digest: action.digest } as const);
      const found = await this.#call(region, async ({ pull, isReadThrough }) => {
        const answer = await pull.manifest(repository, reference, neverAborted());
        return answer === undefined ? undefined : { ...answer, fetched: isReadThrough(answer.content) };
      });
      operation.fetched = region !== PRIMARY && found?.fetched !== false;
      if (found === undefined) {
        this.#end(operation, 'ok', {});
        return undefined;
      }
      const broken = await this.#wholeImage(region, repository, found.digest, found);
      this.#end(operation, 'ok', { digest: found.digest, broken });
      return found.digest;
    } catch (error) {
      this.#end(operation, outcomeOf(error), { why: String(error) });
      return undefined;
    }
  }

  async list(region: RegionName, repository: RepositoryName): Promise<void> {
    const operation = this.#begin(region, { kind: 'list-tags', repository });
    operation.region = region;
    try {
      const page = await this.#call(region, ({ listing }) => listing.tags(repository, { limit: 100 }, neverAborted()));
      this.#end(operation, 'ok', { tags: page.items });
    } catch (error) {
      this.#end(operation, outcomeOf(error), { why: String(error) });
    }
  }

  /** What of an image cannot be had, or is not what it should be; what fails otherwise says nothing. */
  async #wholeImage(
    region: RegionName,
    repository: RepositoryName,
    digest: Digest,
    found: { readonly content: Uint8Array; readonly mediaType: string },
  ): Promise<readonly string[]> {
    if (digestOf(found.content) !== digest) return [`manifest ${digest} has other bytes`];
    const manifest = parseManifest(found.content, found.mediaType);
    const broken: string[] = [];
    for (const blob of manifest.blobs) {
      const bytes = await this.#tolerant(() => this.#call(region, (node) => readBlob(node, repository, blob.digest)));
      if (bytes === 'absent') broken.push(`blob ${blob.digest} of ${digest} is absent`);
      else if (bytes !== undefined && digestOf(bytes) !== blob.digest)
        broken.push(`blob ${blob.digest} has other bytes`);
    }
    for (const child of manifest.children) {
      const reference = { kind: 'digest', digest: child.digest } as const;
      const below = await this.#tolerant(async () => {
        const answer = await this.#call(region, ({ pull }) => pull.manifest(repository, reference, neverAborted()));
        return answer ?? ('absent' as const);
      });
      if (below === 'absent') broken.push(`child ${child.digest} of ${digest} is absent`);
      else if (below !== undefined) broken.push(...(await this.#wholeImage(region, repository, child.digest, below)));
    }
    return broken;
  }

  async #tolerant<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch {
      return undefined;
    }
  }

  async #change(
    via: Operation['via'],
    action: Action,
    work: (push: Push) => Promise<{ readonly seq: number }>,
    known: Pick<Operation, 'reliedMs'> = {},
  ): Promise<Outcome> {
    const operation = Object.assign(this.#begin(via, action), known);
    try {
      const { seq } = await (via === 'router' ? this.#throughRouter(action.repository, work) : this.#atPrimary(work));
      this.#end(operation, 'ok', { seq });
    } catch (error) {
      const code = error instanceof RegistryError ? { code: error.code } : {};
      this.#end(operation, outcomeOf(error), { why: String(error), ...code });
    }
    return operation.outcome;
  }

  #atPrimary<T>(work: (push: Push) => Promise<T>, from: Place = 'clients'): Promise<T> {
    return this.#call(PRIMARY, (node) => work(pushOf(node)), from);
  }

  #throughRouter<T extends { readonly seq: number }>(
    repository: RepositoryName,
    work: (push: Push) => Promise<T>,
  ): Promise<T> {
    return this.#atRouter(async () => {
      const { router } = this.cluster;
      const answer = await this.#atPrimary(work, ROUTER);
      router?.learn(answer.seq, repository);
      return answer;
    });
  }

  async #routed(via: Operation['via'], repository: RepositoryName): Promise<RegionName | undefined> {
    if (via !== 'router') return via;
    return this.#atRouter(async () => this.cluster.router?.route(this.home, repository));
  }

  #atRouter<T>(work: () => Promise<T>): Promise<T> {
    const { network, routerSeat } = this.cluster;
    const pick = (): SimulatedProcess | undefined => routerSeat.process;
    return this.#patient(callRemote({ network, from: 'clients', to: ROUTER, region: PRIMARY, pick }, work));
  }

  /** A region that the rules keep it from sends its client to the primary. */
  async #admitted(region: RegionName, action: Action & { readonly tag?: Tag }): Promise<RegionName> {
    if (this.cluster.faults.plan.rulePauseMs === 0) return region;
    const refused = await this.#call(region, async ({ residency }) => residency.refusal(action.repository, action.tag));
    return refused === undefined ? region : PRIMARY;
  }

  #call<T>(region: RegionName, work: (node: RegistryProcess) => Promise<T>, from: Place = 'clients'): Promise<T> {
    const { network, cluster } = { network: this.cluster.network, cluster: this.cluster };
    let node: RegistryProcess | undefined;
    const pick = (): SimulatedProcess | undefined => {
      node = cluster.pick(region);
      return node?.process;
    };
    return this.#patient(
      callRemote({ network, from, to: region, region, pick }, async () => {
        if (node === undefined) throw new Error('nobody answers');
        return await work(node);
      }),
    );
  }

  /** Some ways lead to a blob in a repository: it is there, it is mounted, it is sent whole, or in chunks. */
  async #upload(repository: RepositoryName, blob: SampleBlob, from: RepositoryName | undefined): Promise<boolean> {
    const random = this.#random;
    for (let attempt = 0; attempt < UPLOAD_ATTEMPTS; attempt += 1) {
      const way = random.next();
      this.#confirmedMs = this.cluster.universe.scheduler.nowMs;
      try {
        const there = await this.#call(PRIMARY, ({ pull }) => pull.blob(repository, blob.digest, neverAborted()));
        if (there !== undefined) return true;
        await this.#atPrimary(async ({ uploads }) => {
          if (from !== undefined && (await uploads.mount(repository, blob.digest, from, neverAborted()))) return;
          if (way < 0.45) await inChunks(uploads, repository, blob);
          else
            await uploads.put(
              repository,
              { digest: blob.digest, size: blob.size, body: bodyOf(blob.bytes) },
              neverAborted(),
            );
        });
        return true;
      } catch {
        await this.cluster.network.pause(random.next() * 500 * 2 ** attempt);
      }
    }
    return false;
  }

  async #patient<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => undefined);
    return await new Promise<T>((resolve, reject) => {
      const callOff = this.cluster.universe.scheduler.after(PATIENCE_MS, () => reject(new Error('no answer in time')));
      promise.then(resolve, reject).finally(callOff);
    });
  }

  #begin(via: Operation['via'], action: Action): Operation {
    const operation = this.history.begin(this.name, via, action);
    this.cluster.universe.trace.say(this.name, `begin #${operation.id} via ${via} ${describe(action)}`);
    return operation;
  }

  #end(operation: Operation, outcome: Outcome, more: Parameters<History['end']>[2]): void {
    this.history.end(operation, outcome, more);
    const { seq, digest, broken, why } = operation;
    const facts = [seq, digest, broken?.length ? broken.join('; ') : undefined, why].filter(
      (fact) => fact !== undefined,
    );
    this.cluster.universe.trace.say(this.name, `end #${operation.id} ${outcome} ${facts.join(' ')}`);
  }
}

function pushOf({ push }: RegistryProcess): Push {
  if (push === undefined) throw new Error('not the primary');
  return push;
}

function preconditionOf(condition: Condition): Precondition {
  if (condition === 'absent') return { noneMatch: 'any' };
  return { match: condition === 'present' ? 'any' : condition };
}

/** What is there of it. */
function given<T extends object>(values: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

async function readBlob(
  { pull }: RegistryProcess,
  repository: RepositoryName,
  digest: Digest,
): Promise<Buffer | 'absent'> {
  const blob = await pull.blob(repository, digest, neverAborted());
  if (blob === undefined) return 'absent';
  const chunks: Buffer[] = [];
  for await (const chunk of (await blob.open(undefined, neverAborted())) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function inChunks(
  uploads: BlobUploads,
  repository: RepositoryName,
  { bytes, digest }: SampleBlob,
): Promise<void> {
  const { id } = await uploads.begin(repository, neverAborted());
  const half = bytes.length >> 1;
  await uploads.append(repository, id, { body: bodyOf(bytes.subarray(0, half)) }, neverAborted());
  const last = { body: bodyOf(bytes.subarray(half)), range: { start: half, end: bytes.length - 1 }, digest };
  await uploads.finish(repository, id, last, neverAborted());
}

function bodyOf(bytes: Uint8Array): Readable {
  return Readable.from([bytes], { objectMode: false });
}

function outcomeOf(error: unknown): Outcome {
  return error instanceof RegistryError && error.status < 500 ? 'fail' : 'unknown';
}

export function describe(action: Action): string {
  const { kind, repository, ...rest } = action;
  return `${kind} ${repository} ${JSON.stringify(rest)}`;
}
