import { parseRegionName } from '#libs/geo';
import { type Digest, digestOf, parseDigest, parseManifest, type RepositoryName, type Tag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import type { SeededRandom } from '#libs/resilience/testing';
import type { Action, History, Operation, Outcome } from '../checkers/index.js';
import { IMAGE_TYPE, INDEX_TYPE, type SampleBlob, type SampleManifest } from '../simulation/sample-image.js';
import { type Answer, type Call, call } from './http-call.js';
import { PRIMARY } from './places.js';
import { ROUTER, type World } from './world.js';

const UPLOAD_ATTEMPTS = 4;
const READ_ATTEMPTS = 2;
/** Larger blobs are sent in chunks of this. */
const CHUNK_BYTES = 16 * 1_048_576;
const PAUSE_MS = 200;

/** One who pushes and pulls over HTTP, and writes down what was asked and what was answered. */
export class NemesisClient {
  constructor(
    readonly name: string,
    readonly home: string,
    private readonly world: World,
    private readonly history: History,
    private readonly random: SeededRandom,
    private readonly signal: AbortSignal,
  ) {}

  /** Blobs first, then the manifest with its tags. */
  async push(
    via: string,
    repository: RepositoryName,
    image: SampleManifest,
    tags: readonly Tag[],
    others?: readonly RepositoryName[],
  ): Promise<Outcome> {
    const uploads = image.blobs.map((blob) => this.#upload(via, repository, blob, others));
    if ((await Promise.all(uploads)).includes(false)) return 'unknown';
    const { digest, children, mediaType, content } = image;
    const blobs = image.blobs.map((blob) => blob.digest);
    const [first] = tags;
    const reference = tags.length === 1 && first !== undefined ? first : digest;
    const query = tags.length > 1 ? `?${tags.map((tag) => `tag=${tag}`).join('&')}` : '';
    const put = { method: 'PUT', body: content, headers: { 'content-type': mediaType } };
    return this.#change(via, { kind: 'push', repository, digest, tags, blobs, children }, `${reference}${query}`, put);
  }

  deleteTag(via: string, repository: RepositoryName, tag: Tag): Promise<Outcome> {
    return this.#change(via, { kind: 'delete-tag', repository, tag }, tag, { method: 'DELETE' });
  }

  deleteManifest(via: string, repository: RepositoryName, digest: Digest): Promise<Outcome> {
    return this.#change(via, { kind: 'delete-manifest', repository, digest }, digest, { method: 'DELETE' });
  }

  /** Pulls by tag or digest, whole: every byte is hashed. */
  async pull(
    via: string,
    action: Extract<Action, { readonly kind: 'read-tag' | 'read-manifest' }>,
  ): Promise<Operation> {
    const operation = this.#begin(via, action);
    const { repository } = action;
    const reference = action.kind === 'read-tag' ? action.tag : action.digest;
    try {
      const answer = await this.#get(via, `/v2/${repository}/manifests/${reference}`);
      const region = answer.headers.get('meridian-region');
      if (region !== null) operation.region = parseRegionName(region);
      operation.fetched = region !== PRIMARY && answer.headers.get('meridian-source') !== 'local';
      if (answer.status === 404) this.history.end(operation, 'ok');
      else if (answer.status !== 200) this.history.end(operation, 'unknown', { why: why(answer) });
      else {
        const digest = parseDigest(answer.headers.get('docker-content-digest') ?? '');
        const broken = await this.#wholeImage(via, repository, digest, answer);
        this.history.end(operation, 'ok', { digest, broken });
      }
    } catch (error) {
      this.history.end(operation, 'unknown', { why: String(error) });
    }
    return operation;
  }

  async list(via: string, repository: RepositoryName): Promise<void> {
    const operation = this.#begin(via, { kind: 'list-tags', repository });
    try {
      const answer = await this.#get(via, `/v2/${repository}/tags/list?n=1000`);
      if (answer.status === 404) return this.history.end(operation, 'ok', { tags: [] });
      if (answer.status !== 200) return this.history.end(operation, 'unknown', { why: why(answer) });
      const { tags } = JSON.parse(answer.body.toString()) as { tags: Tag[] };
      this.history.end(operation, 'ok', { tags });
    } catch (error) {
      this.history.end(operation, 'unknown', { why: String(error) });
    }
  }

  /** What of an image is said not to exist, or has other bytes; what fails otherwise says nothing. */
  async #wholeImage(
    via: string,
    repository: RepositoryName,
    digest: Digest,
    answer: Answer,
  ): Promise<readonly string[]> {
    if (digestOf(answer.body) !== digest) return [`manifest ${digest} has other bytes`];
    const manifest = parseManifest(answer.body, answer.headers.get('content-type') ?? '');
    const broken: string[] = [];
    for (const blob of manifest.blobs) {
      const found = await this.#tolerant(via, `/v2/${repository}/blobs/${blob.digest}`);
      if (found?.status === 404) broken.push(`blob ${blob.digest} of ${digest} is absent`);
      if (found?.status === 200 && digestOf(found.body) !== blob.digest)
        broken.push(`blob ${blob.digest} has other bytes`);
    }
    for (const child of manifest.children) {
      const found = await this.#tolerant(via, `/v2/${repository}/manifests/${child.digest}`);
      if (found?.status === 404) broken.push(`child ${child.digest} of ${digest} is absent`);
      if (found?.status === 200) broken.push(...(await this.#wholeImage(via, repository, child.digest, found)));
    }
    return broken;
  }

  async #tolerant(via: string, path: string): Promise<Answer | undefined> {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
      const answer = await this.#get(via, path).catch(() => undefined);
      if (answer?.status === 200 || answer?.status === 404) return answer;
    }
    return undefined;
  }

  async #change(via: string, action: Action, reference: string, request: Call): Promise<Outcome> {
    const operation = this.#begin(via, action);
    try {
      const answer = await this.#ask(via, `/v2/${action.repository}/manifests/${reference}`, request);
      const seq = Number(answer.headers.get('meridian-sequence') ?? Number.NaN);
      if (answer.status >= 500) this.history.end(operation, 'unknown', { why: why(answer) });
      else if (answer.status >= 300) this.history.end(operation, 'fail', { why: why(answer) });
      else this.history.end(operation, 'ok', Number.isNaN(seq) ? {} : { seq });
    } catch (error) {
      this.history.end(operation, 'unknown', { why: causeOf(error) });
    }
    return operation.outcome;
  }

  /** Some ways lead to a blob in a repository: it is there, it is mounted, it is sent whole, or in chunks. */
  async #upload(
    via: string,
    repository: RepositoryName,
    blob: SampleBlob,
    others: readonly RepositoryName[] | undefined,
  ): Promise<boolean> {
    if (others === undefined) return this.#uploadAtOnce(via, repository, blob);
    for (let attempt = 0; attempt < UPLOAD_ATTEMPTS && !this.signal.aborted; attempt += 1) {
      const way = this.random.next();
      const from = others[this.random.below(others.length)];
      try {
        const there = await this.#ask(via, `/v2/${repository}/blobs/${blob.digest}`, { method: 'HEAD' });
        if (there.status === 200) return true;
        const mount = way < 0.3 && from !== undefined ? `?mount=${blob.digest}&from=${from}` : '';
        const begun = await this.#ask(via, `/v2/${repository}/blobs/uploads/${mount}`, { method: 'POST' });
        if (begun.status === 201) return true;
        if (begun.status === 202 && (await this.#send(begun, blob, way > 0.7))) return true;
      } catch {
        // Whatever it was: it is tried again, from the beginning, as clients do.
      }
      await systemClock.sleep(this.random.next() * PAUSE_MS * 2 ** attempt, this.signal).catch(() => undefined);
    }
    return false;
  }

  /** end-4b: one request for one blob, tried once more for each answer that says nothing. */
  async #uploadAtOnce(via: string, repository: RepositoryName, { digest, bytes }: SampleBlob): Promise<boolean> {
    const headers = { 'content-type': 'application/octet-stream' };
    const post = { method: 'POST', body: bytes, headers };
    for (let attempt = 0; attempt < UPLOAD_ATTEMPTS && !this.signal.aborted; attempt += 1) {
      const answer = await this.#ask(via, `/v2/${repository}/blobs/uploads/?digest=${digest}`, post).catch(
        () => undefined,
      );
      if (answer?.status === 201) return true;
      await systemClock.sleep(this.random.next() * PAUSE_MS * 2 ** attempt, this.signal).catch(() => undefined);
    }
    return false;
  }

  async #send(begun: Answer, { bytes, digest }: SampleBlob, inChunks: boolean): Promise<boolean> {
    let location = new URL(begun.headers.get('location') ?? '', begun.url);
    const headers = { ...this.#headers(), 'content-type': 'application/octet-stream' };
    const step = inChunks ? Math.ceil(bytes.length / 2) : CHUNK_BYTES;
    let start = 0;
    for (; bytes.length - start > step; start += step) {
      const body = bytes.subarray(start, start + step);
      const range = { ...headers, 'content-range': `${start}-${start + step - 1}` };
      const patched = await call(location, { method: 'PATCH', body, headers: range }, this.signal);
      if (patched.status !== 202) return false;
      location = new URL(patched.headers.get('location') ?? '', patched.url);
    }
    const rest = bytes.subarray(start);
    location.searchParams.set('digest', digest);
    return (await call(location, { method: 'PUT', body: rest, headers }, this.signal)).status === 201;
  }

  #get(via: string, path: string): Promise<Answer> {
    return this.#ask(via, path, { headers: { accept: `${IMAGE_TYPE}, ${INDEX_TYPE}` } });
  }

  #ask(via: string, path: string, request: Call): Promise<Answer> {
    const headers = { ...this.#headers(), ...request.headers };
    return call(`${this.world.urlFor(this.home, via)}${path}`, { ...request, headers }, this.signal);
  }

  #headers(): Readonly<Record<string, string>> {
    return { 'x-meridian-region': this.home };
  }

  #begin(via: string, action: Action): Operation {
    const operation = this.history.begin(this.name, via === ROUTER ? 'router' : parseRegionName(via), action);
    if (via !== ROUTER) operation.region = parseRegionName(via);
    return operation;
  }
}

function why({ status, body }: Answer): string {
  return `${status} ${body.toString().slice(0, 300)}`;
}

/** What fetch says is always "fetch failed"; its cause tells more. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${String(error)}${cause}`;
}
