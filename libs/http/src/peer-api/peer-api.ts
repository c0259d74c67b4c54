import type { RegionName, TokenSubject } from '#libs/geo';
import {
  encodeSnapshotHeader,
  isSnapshotPartName,
  type JournalReader,
  type SnapshotSource,
  type SummarySource,
} from '#libs/journal';
import { type Digest, parseDigest, parseReference, parseRepositoryName, RegistryError } from '#libs/oci';
import {
  type ControlChange,
  type ImageName,
  MANIFEST_DIGEST_HEADER,
  PEER_PATH,
  type PresenceSource,
  parseControlChange,
  type RegionSteering,
  type StatusSource,
  TAG_SEQ_HEADER,
} from '#libs/peer';
import type { Pull, RegionContent } from '#libs/registry';
import { anySignal, type Clock } from '#libs/resilience';
import { sendBytes, sendJson } from '../answer.js';
import { type Exchange, isHead } from '../exchange.js';
import { readBody } from '../read-body.js';
import type { HintSource } from './hints.js';
import { LineStream } from './line-stream.js';
import { numberParameter, parameter } from './parameters.js';
import { findStoredBlob, type SendableBlob, sendBlob } from './send-blob.js';
import { sendFewBlobs } from './send-few-blobs.js';
import { sendJournal } from './send-journal.js';
import { sendPacked } from './send-packed.js';
import { sendStatus } from './send-status.js';
import { sendSummary, summaryAnswer } from './send-summary.js';

/** A blob that is being copied here, or begins to be within `waitMs`. */
export type FindCopy = (digest: Digest, waitMs: number, signal: AbortSignal) => Promise<SendableBlob | undefined>;

export interface PeerApiOptions {
  readonly content: Pick<RegionContent, 'blobs' | 'policies'>;
  /** What this region itself holds: a region that asks its peers for what they ask it for would wait for itself. */
  readonly pull: Pull;
  /** Only at the primary. */
  readonly journal?: JournalReader;
  /** Blobs that are being copied into this region, as they come. */
  readonly copies?: FindCopy;
  /** Only at the primary. */
  readonly snapshots?: SnapshotSource;
  /** What this region holds, to be compared. */
  readonly summary: SummarySource;
  readonly hints: HintSource;
  readonly status: StatusSource;
  readonly presence: PresenceSource;
  /** At a replica: what the primary's operators may steer. */
  readonly steering?: RegionSteering;
  /** Who may. */
  readonly primary?: RegionName;
  readonly clock: Clock;
}

const BLOBS = 'blobs/';
const MAX_WAIT_MS = 60_000;
const MAX_FOLLOW_MS = 5_000;
const METHODS = ['GET', 'HEAD'];
const FEW_BLOBS = 'blobs';
const CONTROLS = 'controls';

/** Some limits, with their days and time zones. */
const MAX_CHANGE_BYTES = 64 * 1024;

/**
 * What the cluster's own processes ask this region: the other end of `HttpPeerClient`. Whoever calls it has made sure
 * that the request is theirs; it throws what `sendError` makes an answer of.
 */
export class PeerApi {
  readonly #closing = new AbortController();

  constructor(private readonly options: PeerApiOptions) {}

  /** Ends the streams, which never end by themselves; their readers come again, to another process. */
  close(): void {
    this.#closing.abort(new Error('the process is stopping'));
  }

  /** @throws RegistryError, StorageError, or the signal's reason */
  async handle(exchange: Exchange, caller?: TokenSubject): Promise<void> {
    const route = exchange.path.slice(PEER_PATH.length + 1);
    const methods = methodsOf(route);
    if (!methods.includes(exchange.request.method ?? '')) {
      throw new RegistryError('UNSUPPORTED', undefined, { headers: { Allow: methods.join(', ') } });
    }
    if (route.startsWith(BLOBS)) {
      return this.#blob(exchange, parseDigest(route.slice(BLOBS.length)));
    }
    switch (route) {
      case FEW_BLOBS:
        return sendFewBlobs(exchange, this.options.content.blobs);
      case 'journal':
        return this.#journal(exchange);
      case 'snapshot':
        return this.#snapshot(exchange);
      case 'snapshot/part':
        return this.#snapshotPart(exchange);
      case 'manifests':
        return this.#manifest(exchange);
      case 'links':
        return this.#link(exchange);
      case 'summary':
        return this.#summary(exchange);
      case 'status':
        return sendJson(exchange.response, this.options.status.current());
      case 'status/stream':
        return this.#stream(exchange, (lines, signal) => sendStatus(this.options, lines, caller, signal));
      case CONTROLS:
        return this.#control(exchange, this.#steering(caller));
      case 'failed':
        return sendJson(exchange.response, await this.#steering(caller).failed(exchange.signal));
      case 'presence':
        return this.#presence(exchange);
      default:
        throw new RegistryError('NOT_FOUND');
    }
  }

  /** Only the primary's operators, and those of the region itself, steer a region. */
  #steering(caller: TokenSubject | undefined): RegionSteering {
    const { steering, primary } = this.options;
    if (steering === undefined) throw new RegistryError('NOT_FOUND');
    if (caller?.kind !== 'region' || caller.name !== primary) throw new RegistryError('DENIED');
    return steering;
  }

  async #control({ request, response, signal }: Exchange, steering: RegionSteering): Promise<void> {
    if (request.method !== 'POST') return sendJson(response, await steering.control(signal));
    const change = parseChange(await readBody(request, MAX_CHANGE_BYTES));
    sendJson(response, await steering.change(change, signal));
  }

  async #blob(exchange: Exchange, digest: Digest): Promise<void> {
    const { signal } = exchange;
    const found =
      (await findStoredBlob(this.options.content.blobs, digest, signal)) ?? (await this.#copied(exchange, digest));
    if (found === undefined) throw new RegistryError('BLOB_UNKNOWN', { digest });
    await sendBlob(found, exchange);
  }

  /** What is not here yet, if it is just being copied here and the caller may wait for us. */
  async #copied(exchange: Exchange, digest: Digest): Promise<SendableBlob | undefined> {
    if (!exchange.query.has('followMs')) return undefined;
    const waitMs = numberParameter(exchange, 'followMs', MAX_FOLLOW_MS);
    return this.options.copies?.(digest, waitMs, exchange.signal);
  }

  async #journal(exchange: Exchange): Promise<void> {
    const { content, journal, hints, clock } = this.options;
    if (journal === undefined) throw new RegistryError('NOT_FOUND');
    const after = numberParameter(exchange, 'after', Number.MAX_SAFE_INTEGER);
    if (after < (await journal.cutOff(exchange.signal))) throw cutOff();
    await this.#stream(exchange, (lines, signal) =>
      sendJournal({ policies: content.policies, journal, hints, clock }, after, lines, signal),
    );
  }

  async #snapshot({ response, signal }: Exchange): Promise<void> {
    const header = await this.options.snapshots?.newest(signal);
    if (header === undefined) throw new RegistryError('NOT_FOUND');
    sendBytes(response, encodeSnapshotHeader(header), 'application/json');
  }

  async #snapshotPart(exchange: Exchange): Promise<void> {
    const seq = numberParameter(exchange, 'seq', Number.MAX_SAFE_INTEGER);
    const name = parameter(exchange, 'name');
    if (!isSnapshotPartName(name)) throw new RegistryError('NOT_FOUND');
    const bytes = await this.options.snapshots?.part(seq, name, exchange.signal);
    if (bytes === undefined) throw new RegistryError('NOT_FOUND');
    await sendPacked(exchange, bytes, 'application/x-ndjson');
  }

  async #manifest(exchange: Exchange): Promise<void> {
    const { repository, reference } = imageOf(exchange);
    const found = await this.options.pull.manifest(repository, reference, exchange.signal);
    if (found === undefined) throw new RegistryError('MANIFEST_UNKNOWN', { name: repository });
    sendBytes(exchange.response, found.content, found.mediaType, {
      [MANIFEST_DIGEST_HEADER]: found.digest,
      ...(found.tagSeq === undefined ? {} : { [TAG_SEQ_HEADER]: found.tagSeq }),
    });
  }

  async #link(exchange: Exchange): Promise<void> {
    const repository = parseRepositoryName(parameter(exchange, 'repository'));
    const blob = await this.options.pull.blob(repository, parseDigest(parameter(exchange, 'digest')), exchange.signal);
    if (blob === undefined) throw new RegistryError('BLOB_UNKNOWN');
    sendJson(exchange.response, { digest: blob.digest, size: blob.size });
  }

  async #summary(exchange: Exchange): Promise<void> {
    const { summary, clock } = this.options;
    const answer = summaryAnswer(exchange, summary);
    await this.#stream(exchange, (lines, signal) => sendSummary(answer, { lines, clock }, signal));
  }

  async #presence(exchange: Exchange): Promise<void> {
    const waitMs = exchange.query.has('waitMs') ? numberParameter(exchange, 'waitMs', MAX_WAIT_MS) : 0;
    const { signal } = exchange;
    sendJson(exchange.response, await this.options.presence.presence(imageOf(exchange), { waitMs, signal }));
  }

  /** A failure breaks the connection, so that nobody takes the rest for the end; leaving on purpose ends it properly. */
  async #stream(exchange: Exchange, send: (lines: LineStream, signal: AbortSignal) => Promise<void>): Promise<void> {
    const lines = new LineStream(exchange.response);
    if (isHead(exchange.request)) return lines.end();
    const limited = anySignal([exchange.signal, this.#closing.signal]);
    try {
      await send(lines, limited.signal);
    } catch (error) {
      if (!limited.signal.aborted) throw error;
    } finally {
      limited.release();
    }
    lines.end();
  }
}

function methodsOf(route: string): readonly string[] {
  if (route === FEW_BLOBS) return ['POST'];
  return route === CONTROLS ? [...METHODS, 'POST'] : METHODS;
}

function parseChange(body: Uint8Array): ControlChange {
  try {
    return parseControlChange(JSON.parse(Buffer.from(body).toString()));
  } catch (cause) {
    throw new RegistryError('UNSUPPORTED', undefined, { status: 400, message: 'no change that is known here', cause });
  }
}

function cutOff(): RegistryError {
  return new RegistryError('NOT_FOUND', undefined, { status: 410, message: 'that entry is gone: take the snapshot' });
}

function imageOf(exchange: Exchange): ImageName {
  return {
    repository: parseRepositoryName(parameter(exchange, 'repository')),
    reference: parseReference(parameter(exchange, 'reference')),
  };
}
