import { Readable } from 'node:stream';
import type { RegionName } from '#libs/geo';
import type { JournalReader, SnapshotSource, SummarySource } from '#libs/journal';
import { type BlobDescriptor, type Digest, type Reference, RegistryError, type RepositoryName } from '#libs/oci';
import {
  type ImagePresence,
  JOURNAL_HEARTBEAT_MS,
  type JournalMessage,
  type PeerClient,
  PeerError,
  type PeerManifest,
  type PresenceSource,
  type RegionStatus,
  type StatusSource,
} from '#libs/peer';
import type { LocalPull, RegionContent } from '#libs/registry';
import { onAbort, untilAborted } from '#libs/resilience';
import { type ByteRange, isStorageError } from '#libs/storage';
import type { HintBoard } from './hint-board.js';
import { journalStream, statusStream } from './line-streams.js';
import { callRemote, type Network, type Place, whileReachable } from './network.js';
import type { SimulatedProcess } from './simulated-process.js';

/** What a registry process answers other regions with. */
export interface PeerService {
  readonly process: SimulatedProcess;
  readonly content: RegionContent;
  readonly local: LocalPull;
  readonly status: StatusSource;
  readonly presence: PresenceSource;
  readonly journal: JournalReader | undefined;
  readonly snapshots?: SnapshotSource | undefined;
  readonly summary: SummarySource;
  readonly hints: HintBoard;
}

const STALLED_AFTER_MS = 3 * JOURNAL_HEARTBEAT_MS;
const LONG_SILENCE_MS = 10 * JOURNAL_HEARTBEAT_MS;
const CHUNK_BYTES = 64;

/** Another region over a network that delays, cuts, breaks off and flips: what `HttpPeerClient` and `PeerApi` are together. */
export class SimulatedPeer implements PeerClient {
  constructor(
    readonly region: RegionName,
    private readonly options: {
      readonly network: Network;
      readonly from: Place;
      /** Who asks. */
      readonly caller: SimulatedProcess;
      /** A living registry process of that region, whichever the balancer takes. */
      readonly pick: () => PeerService | undefined;
    },
  ) {}

  journal(after: number, signal: AbortSignal): AsyncIterable<JournalMessage> {
    return this.#stream(signal, (service, open) => {
      if (service.journal === undefined) throw new PeerError('refused', this.region, 'has no journal');
      return this.#journal(service, service.journal, after, open);
    });
  }

  async *#journal(
    { content, hints, process }: PeerService,
    journal: JournalReader,
    after: number,
    open: AbortSignal,
  ): AsyncGenerator<JournalMessage> {
    if (after < (await journal.cutOff(open)))
      throw new PeerError('gone', this.region, 'it does not have that any more');
    yield* journalStream({ journal, policies: content.policies, hints, clock: process.clock }, after, open);
  }

  readonly snapshots: SnapshotSource = {
    newest: (signal) => this.#ask(signal, async ({ snapshots }) => snapshots?.newest(signal)),
    part: (seq, name, signal) => this.#ask(signal, async ({ snapshots }) => snapshots?.part(seq, name, signal)),
  };

  readonly summary: SummarySource = {
    upTo: (signal) => this.#ask(signal, ({ summary }) => summary.upTo(signal)),
    region: (position, signal) => this.#ask(signal, ({ summary }) => summary.region(position, signal)),
    repositories: (position, signal) => this.#long(signal, ({ summary }) => summary.repositories(position, signal)),
    buckets: (...question) => this.#ask(question[2], ({ summary }) => summary.buckets(...question)),
    items: (...question) => this.#long(question[2], ({ summary }) => summary.items(...question)),
    rehash: (...question) => this.#long(question[1], ({ summary }) => summary.rehash(...question)),
    manifest: (...question) => this.#ask(question[2], ({ summary }) => summary.manifest(...question)),
    links: (...question) => this.#long(question[2], ({ summary }) => summary.links(...question)),
  };

  statusStream(signal: AbortSignal): AsyncIterable<RegionStatus> {
    return this.#stream(signal, (service, open) => statusStream(service.status, service.process.clock, open));
  }

  async openBlob(
    digest: Digest,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<{ readonly size: number; readonly body: Readable } | undefined> {
    const found = await this.#ask(signal, async ({ content }) => {
      const record = await content.blobs.stat(digest, signal);
      if (record === undefined) return undefined;
      return { size: record.size, bytes: await collect(await content.blobs.open(record, range, signal)) };
    });
    if (found === undefined) return undefined;
    const body = Readable.from(this.#body(found.bytes, signal), { objectMode: false });
    return { size: found.size, body };
  }

  /** One answer, whose line may break off or change a byte anywhere in it. */
  async *fewBlobs(blobs: readonly BlobDescriptor[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined> {
    const found = await this.#ask(signal, ({ content }) =>
      Promise.all(
        blobs.map(async ({ digest }) => {
          const record = await content.blobs.stat(digest, signal);
          return record && collect(await content.blobs.open(record, undefined, signal));
        }),
      ),
    );
    for (const bytes of found) yield bytes && collect(Readable.from(this.#body(bytes, signal), { objectMode: false }));
  }

  statBlob(digest: Digest, signal: AbortSignal): Promise<BlobDescriptor | undefined> {
    return this.#ask(signal, ({ content }) => content.blobs.stat(digest, signal));
  }

  findLinkedBlob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<BlobDescriptor | undefined> {
    return this.#ask(signal, ({ local }) => local.blob(repository, digest, signal));
  }

  findManifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PeerManifest | undefined> {
    return this.#ask(signal, ({ local }) => local.manifest(repository, reference, signal));
  }

  status(signal: AbortSignal): Promise<RegionStatus> {
    return this.#ask(signal, async ({ status }) => status.current());
  }

  presence(
    image: { readonly repository: RepositoryName; readonly reference: Reference },
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<ImagePresence> {
    return this.#ask(options.signal, ({ presence }) => presence.presence(image, options));
  }

  /** Bytes in pieces, over a line that may break off or, worse, change one. */
  async *#body(bytes: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { network, from } = this.options;
    const faults = network.faultsOf(this.region, from);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      await untilAborted(network.travel(this.region, from), signal);
      if (network.isCut(this.region, from) || faults.strikes('body-break', faults.plan.bodyBreak)) {
        throw new PeerError('stalled', this.region, 'the body broke off');
      }
      const chunk = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES));
      if (faults.strikes('body-flip', faults.plan.bodyFlip)) chunk[0] = (chunk[0] ?? 0) ^ 1;
      yield chunk;
    }
  }

  async #ask<T>(signal: AbortSignal, work: (service: PeerService) => Promise<T>): Promise<T> {
    const { network, from, caller } = this.options;
    signal.throwIfAborted();
    let service: PeerService | undefined;
    const pick = (): SimulatedProcess | undefined => {
      service = this.options.pick();
      return service?.process;
    };
    const call = { network, from, to: this.region, region: this.region, pick };
    const answer = callRemote(call, async () => {
      if (service === undefined) throw new PeerError('unreachable', this.region, 'nobody answers');
      return this.#translated(work(service));
    });
    answer.catch(() => undefined);
    return await caller.hear(untilAborted(answer, signal));
  }

  /** What the other region says when its own store does not answer. */
  async #translated<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      if (cause instanceof PeerError) throw cause;
      const known = isStorageError(cause) || (cause instanceof RegistryError && cause.status >= 500);
      throw new PeerError(known ? 'unavailable' : 'protocol', this.region, String(cause), { cause });
    }
  }

  /** A stream that says nothing while the other end reads its store, and is given the time for that. */
  #long<T>(signal: AbortSignal, begin: (service: PeerService) => AsyncIterable<T>): AsyncGenerator<T> {
    return this.#stream(signal, begin, LONG_SILENCE_MS);
  }

  async *#stream<T>(
    signal: AbortSignal,
    begin: (service: PeerService, open: AbortSignal) => AsyncIterable<T>,
    silenceMs = STALLED_AFTER_MS,
  ): AsyncGenerator<T> {
    const { network, from, caller } = this.options;
    const ended = new AbortController();
    const stop = onAbort(signal, () => ended.abort(signal.reason));
    const unbreak = network.onBreak(this.region, from, () => ended.abort(this.#lost()));
    try {
      const service = await this.#ask(ended.signal, async (picked) => picked);
      const items = begin(service, ended.signal)[Symbol.asyncIterator]();
      for (;;) {
        const next = whileReachable(this, service.process, items.next());
        next.catch(() => undefined);
        const item = await caller.hear(untilAborted(this.#withinSilence(next, silenceMs), ended.signal));
        await caller.hear(network.travel(this.region, from));
        ended.signal.throwIfAborted();
        if (network.isCut(this.region, from) || network.isCut(from, this.region)) throw this.#lost();
        if (item.done === true) return;
        yield item.value;
      }
    } finally {
      stop();
      unbreak();
      ended.abort(this.#lost());
    }
  }

  #withinSilence<T>(next: Promise<T>, silenceMs: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const callOff = this.options.caller.universe.scheduler.after(silenceMs, () => reject(this.#lost()));
      next.then(resolve, reject).finally(callOff);
    });
  }

  #lost(): PeerError {
    return new PeerError('stalled', this.region, 'the stream broke');
  }
}

async function collect(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
