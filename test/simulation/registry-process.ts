import { Readable } from 'node:stream';
import type { ControlBus } from '#libs/control';
import type { RegionName } from '#libs/geo';
import type { Journal } from '#libs/journal';
import { type BlobDescriptor, digestOf } from '#libs/oci';
import { type PeerClient, PeerError } from '#libs/peer';
import type { AppContext } from '#libs/platform';
import {
  type Collections,
  type JournalCare,
  type Listing,
  LocalListing,
  LocalPull,
  LocalSummary,
  openRegionContent,
  type Pull,
  type Push,
  SharedReads,
  StoreReader,
} from '#libs/registry';
import {
  type FetchThrough,
  freshProgress,
  type HeardRegion,
  LocalPresence,
  ProgressStore,
  ReadThroughPull,
  RegionStatusBoard,
  ReplicaListing,
  Residency,
} from '#libs/replication';
import type { ByteRange, ObjectStore } from '#libs/storage';
import { followPolicy } from '../../apps/registry/src/follow-policy.js';
import { followProgress } from '../../apps/registry/src/follow-progress.js';
import { openPrimary } from '../../apps/registry/src/primary-node.js';
import type { RegionParts } from '../../apps/registry/src/region-parts.js';
import { collectNowAndThen } from './collecting.js';
import type { FaultInjector } from './fault-injector.js';
import { HintBoard } from './hint-board.js';
import { processContext } from './process-context.js';
import type { PeerService } from './simulated-peer.js';
import type { SimulatedProcess } from './simulated-process.js';
import { SIMULATED_INLINE_BYTES } from './simulated-store.js';

/** One process of a region's data plane. */
export interface RegistryProcess extends PeerService {
  readonly pull: Pull;
  readonly listing: Listing;
  /** Only at the primary. */
  readonly push: Push | undefined;
  /** Only at the primary. */
  readonly journal: Journal | undefined;
  /** What the rules keep from this region. */
  readonly residency: Residency;
  /** Whether a manifest's bytes were fetched from the primary for this one answer. */
  readonly isReadThrough: (content: Uint8Array) => boolean;
  /** Only at the primary. */
  readonly collections: Collections | undefined;
  /** Only at the primary. */
  readonly care: JournalCare | undefined;
}

export interface RegistryOptions {
  readonly region: RegionName;
  readonly process: SimulatedProcess;
  readonly store: ObjectStore;
  readonly bus: ControlBus;
  /** The primary, at a replica. */
  readonly origin: PeerClient | undefined;
  /** What the other regions say of themselves, at the primary. */
  readonly heard: () => readonly HeardRegion[];
  readonly faults: FaultInjector;
}

/** What the applications' own functions need of the parts of a real process. */
type Parts = Pick<RegionParts, 'store' | 'content' | 'progress' | 'status'> & {
  readonly bus: ControlBus;
  readonly regional: { readonly region: RegionName };
  readonly origin: PeerClient | undefined;
  readonly watch: { readonly regions: readonly HeardRegion[] };
};

/** Begins a process of the primary or of a replica as the application does, on the same functions where it has them. */
export async function openRegistry(options: RegistryOptions): Promise<RegistryProcess> {
  const { region, process, store, bus, origin, faults } = options;
  const { clock, random, signal } = process;
  const content = openRegionContent({
    store,
    clock,
    random,
    adoptWithinMs: faults.plan.gcGraceMs / 4,
    inlineBytes: SIMULATED_INLINE_BYTES,
  });
  const role = origin === undefined ? 'primary' : 'replica';
  const status = new RegionStatusBoard(freshProgress(''), { region, role, clock, ready: () => true });
  const residency = new Residency(region);
  const presence = new LocalPresence({
    region,
    content,
    origin,
    clock,
    bytesInFlight: () => 0,
    ...(origin === undefined ? {} : { residency }),
    changed: status.changed,
  });
  const progress = new ProgressStore({ store, random });
  const watch = {
    get regions() {
      return options.heard();
    },
  };
  const parts: Parts = { store, content, progress, status, bus, regional: { region }, origin, watch };
  const hints = new HintBoard();
  const fetched = new WeakSet<Uint8Array>();
  const service = {
    process,
    content,
    status,
    presence,
    hints,
    residency,
    isReadThrough: (bytes: Uint8Array) => fetched.has(bytes),
  };
  const whole = asRegionParts(parts, processContext(process, faults.plan));
  await followProgress(whole, signal);
  if (origin === undefined) {
    const primary = await openPrimary(whole, hints as never, signal);
    const { journal, push, reader, listing, collections, summary, care } = primary;
    const local = new LocalPull(content, reader);
    void collectNowAndThen(process, collections, faults);
    void careNowAndThen(process, care, faults);
    return {
      ...service,
      summary,
      journal,
      push,
      collections,
      care,
      snapshots: care.snapshots,
      local,
      pull: local,
      listing,
    };
  }
  await followPolicy(whole, residency, () => undefined, signal);
  const isPending = (): boolean => status.progress.head > status.progress.watermark;
  const shared = openRegionContent({
    store: new SharedReads(store, clock),
    clock,
    random,
    inlineBytes: SIMULATED_INLINE_BYTES,
  });
  const local = new LocalPull(content, new StoreReader(shared));
  const fetches = new MemoryFetches(content.blobs, origin, process) as unknown as FetchThrough;
  return {
    ...service,
    summary: new LocalSummary({
      ...{ store, content, clock, region, objectsPerSecond: 1_000_000, rateBytesPerSecond: 1e12 },
      upTo: async () => ({ seq: status.progress.watermark, epoch: status.progress.epoch }),
    }),
    journal: undefined,
    push: undefined,
    collections: undefined,
    care: undefined,
    local,
    pull: new ReadThroughPull({
      local,
      content,
      origin: remembering(origin, fetched),
      fetches,
      residency,
      isPending,
      retryAfterSeconds: () => 2,
      onPulled: (image) => bus.publish({ kind: 'image.pulled', ...image }),
      clock,
    }),
    listing: new ReplicaListing(new LocalListing(content), isPending, () => 2),
  };
}

/** Takes snapshots and cuts the journal, until everything heals. */
async function careNowAndThen(process: SimulatedProcess, care: JournalCare, faults: FaultInjector): Promise<void> {
  const { snapshotPauseMs } = faults.plan;
  while (snapshotPauseMs > 0) {
    await process.sleep(snapshotPauseMs * (0.75 + process.random.next() / 2), process.signal);
    if (faults.healed) return;
    await care.care(process.signal).catch(() => undefined);
  }
}

/** A peer whose manifests can be told from those of this region. */
function remembering(origin: PeerClient, fetched: WeakSet<Uint8Array>): PeerClient {
  const findManifest: PeerClient['findManifest'] = async (...question) => {
    const found = await origin.findManifest(...question);
    if (found === undefined) return undefined;
    const answer = { ...found, content: Buffer.from(found.content) };
    fetched.add(answer.content);
    return answer;
  };
  return new Proxy(origin, {
    get: (target, name) => {
      if (name === 'findManifest') return findManifest;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** `FetchThrough` without files: what is fetched for a client is hashed and stored on the way. */
class MemoryFetches {
  constructor(
    private readonly blobs: ReturnType<typeof openRegionContent>['blobs'],
    private readonly source: PeerClient,
    private readonly process: SimulatedProcess,
  ) {}

  async read(blob: BlobDescriptor, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable> {
    const opened = await this.source.openBlob(blob.digest, { signal });
    if (opened === undefined) throw new PeerError('unavailable', this.source.region, 'no longer has it');
    const chunks: Buffer[] = [];
    for await (const chunk of opened.body as AsyncIterable<Buffer>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (digestOf(bytes) !== blob.digest) throw new PeerError('protocol', this.source.region, 'sent something else');
    const stored = this.blobs.ingest(blob, Readable.from([bytes], { objectMode: false }), this.process.signal);
    stored.catch(() => undefined);
    return Readable.from([bytes.subarray(range?.start ?? 0, (range?.end ?? bytes.length - 1) + 1)], {
      objectMode: false,
    });
  }
}

/** The applications' functions take a whole process's parts and use few of them. */
function asRegionParts(parts: Parts, context: AppContext): RegionParts {
  return { ...parts, context, keys: { uploadId: new Uint8Array(32) } } as unknown as RegionParts;
}
