import type { Glob } from '#libs/geo';
import {
  type Bucket,
  type LinkPlace,
  type ManifestEntry,
  parseEntry,
  parseLinkPlace,
  parseRehashedObject,
  parseRepositorySummary,
  parseSummaryItem,
  type RegionSummary,
  type RehashedObject,
  type RepositorySummary,
  type SummaryItem,
  type SummarySource,
} from '#libs/journal';
import { type Digest, parseDigest, type RepositoryName } from '#libs/oci';
import { JOURNAL_HEARTBEAT_MS } from './peer-client.js';
import type { PeerQuestions } from './peer-questions.js';
import { count } from './schema.js';
import type { SummaryLine, SummaryQuestion } from './wire.js';

/** A manifest of 4 MiB in JSON, and what its entry says of it besides. */
const MAX_LINE_BYTES = 24 * 1024 * 1024;

/** A region that has to look at much says in between that it is at it. */
const SILENCE_MS = 10 * JOURNAL_HEARTBEAT_MS;

/** What another region holds, as it says over HTTP. An answer that breaks off is an error, never a short answer. */
export class HttpSummary implements SummarySource {
  constructor(private readonly peer: PeerQuestions) {}

  async upTo(signal: AbortSignal): Promise<number> {
    return this.#one('position', {}, count.parse.bind(count), signal);
  }

  region(position: number, signal: AbortSignal): Promise<RegionSummary> {
    const parse = (value: unknown): RegionSummary => {
      const { digest, repositories, upTo } = value as Record<string, unknown>;
      return { digest: parseDigest(String(digest)), repositories: count.parse(repositories), upTo: count.parse(upTo) };
    };
    return this.#one('region', { position }, parse, signal);
  }

  repositories(position: number, signal: AbortSignal): AsyncGenerator<RepositorySummary> {
    return this.#ask('repositories', { position }, parseRepositorySummary, signal);
  }

  async buckets(
    repository: RepositoryName,
    position: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Bucket, Digest>> {
    const buckets = new Map<Bucket, Digest>();
    const parse = (value: unknown): readonly [Bucket, Digest] => {
      const [bucket, digest] = value as readonly unknown[];
      if (!/^[0-9a-f]{2}$/.test(String(bucket))) throw new TypeError('not a bucket');
      return [String(bucket), parseDigest(String(digest))];
    };
    for await (const [bucket, digest] of this.#ask('buckets', { repository, position }, parse, signal)) {
      buckets.set(bucket, digest);
    }
    return buckets;
  }

  items(
    repository: RepositoryName,
    buckets: ReadonlySet<Bucket> | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<SummaryItem> {
    const query = buckets === undefined ? { repository } : { repository, buckets: [...buckets].join('') };
    return this.#ask('items', query as Readonly<Record<string, string>>, parseSummaryItem, signal);
  }

  async manifest(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ManifestEntry | undefined> {
    for await (const entry of this.#ask('manifest', { repository, digest }, parseEntry, signal)) {
      const right = entry.type === 'manifest.put' || entry.type === 'manifest.delete';
      if (!right || entry.repository !== repository || entry.digest !== digest) {
        throw this.peer.protocol('another manifest than the one asked for');
      }
      return entry;
    }
    return undefined;
  }

  links(repository: RepositoryName, manifest: Digest, signal: AbortSignal): AsyncGenerator<LinkPlace> {
    return this.#ask('links', { repository, digest: manifest }, parseLinkPlace, signal);
  }

  rehash(repositories: Glob | undefined, signal: AbortSignal): AsyncGenerator<RehashedObject> {
    const some: Readonly<Record<string, string>> = repositories === undefined ? {} : { repositories };
    return this.#ask('rehash', some, parseRehashedObject, signal);
  }

  async #one<T>(
    of: SummaryQuestion,
    query: Readonly<Record<string, string | number>>,
    parse: (value: unknown) => T,
    signal: AbortSignal,
  ): Promise<T> {
    for await (const value of this.#ask(of, query, parse, signal)) return value;
    throw this.peer.protocol('an answer with nothing in it');
  }

  async *#ask<T>(
    of: SummaryQuestion,
    query: Readonly<Record<string, string | number>>,
    parse: (value: unknown) => T,
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    const asked = { query: { ...query, of }, signal, idleMs: SILENCE_MS };
    for await (const value of this.peer.lines('/summary', asked, MAX_LINE_BYTES)) {
      const said = value as SummaryLine;
      if (said.end === true) return;
      if (said.value !== undefined) yield this.peer.parsed(() => parse(said.value));
    }
    throw this.peer.stalled('the answer broke off');
  }
}
