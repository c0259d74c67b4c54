import {
  type Entry,
  type SnapshotHeader,
  type SnapshotImage,
  type SnapshotManifest,
  type SnapshotRecord,
  type SnapshotSource,
} from '#libs/journal';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import type { BootstrapProgress } from '#libs/peer';
import { applyContentEntry, type PlacedPolicy, type RegionContent } from '#libs/registry';
import { type Clock, Limiter, onAbort, type Random, untilAborted } from '#libs/resilience';
import type { Admit, Arrival } from './arrivals.js';
import { BlobLook } from './blob-look.js';
import { Leftovers } from './leftovers.js';
import type { MissingBlobs } from './missing-blobs.js';
import { ParkedImages } from './parked-images.js';
import { findNeeds, type WantedBlobs } from './plan.js';
import type { PulledImages } from './pulled-images.js';
import type { Selection } from './selection.js';
import { SnapshotRecords } from './snapshot-records.js';
import { untilDone } from './until-done.js';
import type { Need, WaitingEntries } from './waiting-entries.js';

/** Images under way at once, those whose blobs are awaited included: manifests go on coming while layers cross. */
const IMAGES_AT_ONCE = 500;

/** Of those, so many use the store at once: what is pushed meanwhile wants it too. */
const USING_STORE = 48;

/** Progress is told after so many images. */
const TELL_EVERY = 16;

export interface BootstrapOptions {
  readonly snapshots: SnapshotSource;
  /** All that the journal says behind this place comes besides; not beyond the snapshot's own. */
  readonly followedFrom: number;
  readonly content: RegionContent;
  readonly missing: MissingBlobs;
  readonly waiting: WaitingEntries;
  readonly selection: Selection;
  /** The rules of the snapshot's place: from now on the region goes by these, unless it knows newer ones. */
  readonly onPolicy: (placed: PlacedPolicy) => void;
  /** What clients ask for here comes first. */
  readonly pulled: PulledImages;
  /** Brings a manifest or a name as the policy wants it, if it may come then. */
  readonly arrive: (arrival: Arrival, admit: Admit) => Promise<unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onRetry: (what: string, error: unknown) => void;
  /** A manifest is shown. */
  readonly onApplied: (entry: SnapshotManifest) => void;
  readonly onProgress: (progress: Omit<BootstrapProgress, 'tail'>) => void;
  /** Aborts when what the snapshot brings is not wanted any more: what is begun ends without it. When the replicator stops, too. */
  readonly superseded: AbortSignal;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/**
 * Takes a snapshot in: images that are asked for first, then the newest, each as soon as its blobs are here, then what the region has beyond the
 * snapshot leaves. Nothing of how far it came is remembered but that it was begun: what is here already is found here.
 * So it may be interrupted at any point and run again, with this snapshot or a later one.
 */
export class Bootstrap {
  readonly #limiter = new Limiter(IMAGES_AT_ONCE);
  readonly #store = new Limiter(USING_STORE);
  /** Images that wait for blobs, by what the replicator knows them by. */
  readonly #released = new Map<Entry, () => void>();
  readonly #underWay = new Set<Entry>();
  readonly #passed = new Set<Entry>();
  readonly #startedMs: number;
  readonly #leftovers: Leftovers;
  #images = 0;
  #bytes = 0;
  /** What is begun ends, and brings nothing more. */
  #isOver = false;

  constructor(
    private readonly header: SnapshotHeader,
    private readonly options: BootstrapOptions,
  ) {
    this.#startedMs = options.clock.monotonic();
    const { epoch, timeMs } = header.position;
    this.#leftovers = new Leftovers({ seq: options.followedFrom, epoch, timeMs }, options.content);
  }

  /** Nobody has the image any more: it was deleted after the snapshot, which the journal behind it tells. */
  passOver(entry: Entry): boolean {
    if (!this.#released.has(entry)) return false;
    this.#passed.add(entry);
    return this.release(entry);
  }

  /** Manifests on their way in: what they name is needed. */
  get underWay(): readonly Entry[] {
    return [...this.#underWay];
  }

  /** An image waits for nothing any more. @returns false if the entry is none of the snapshot's */
  release(entry: Entry): boolean {
    const release = this.#released.get(entry);
    this.#released.delete(entry);
    release?.();
    return release !== undefined;
  }

  /**
   * Nothing of it is under way any more when it settles.
   * @throws JournalError `truncated` if the snapshot was removed meanwhile: a newer one is there. The reason of `superseded`
   */
  async run(): Promise<void> {
    const { superseded, signal } = this.options;
    const heard = onAbort(superseded, () => this.#end());
    try {
      for (let pass = new ParkedImages(); ; ) {
        const done = this.#images;
        await this.#pass(pass);
        if (!pass.overflowed) break;
        // Nothing more will come of another pass: children that are missing now were deleted later.
        pass = new ParkedImages(this.#images > done ? undefined : Number.POSITIVE_INFINITY);
      }
    } finally {
      heard();
    }
    // What was not read is no leftover.
    superseded.throwIfAborted();
    await this.#leftovers.remove(signal);
  }

  #end(): void {
    this.#isOver = true;
    for (const entry of [...this.#released.keys()]) {
      this.options.waiting.leave(entry);
      this.release(entry);
    }
  }

  /** All images without missing children as they come, then those with, children first. */
  async #pass(parked: ParkedImages): Promise<void> {
    const records = new SnapshotRecords(this.header, { ...this.options, signal: this.options.superseded });
    await this.#all(records.all(), (record) => this.#take(record, parked));
    for (let ready = parked.takeReady(); ready.length > 0; ready = parked.takeReady()) {
      await this.#all(ready, (image) => this.#bring(image));
    }
  }

  /** Works on some at once, and on no more than the limit; what fails is tried again until the replicator stops. */
  async #all<T>(items: AsyncIterable<T> | Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const { superseded, signal } = this.options;
    const running = new Set<Promise<void>>();
    try {
      for await (const item of items) {
        superseded.throwIfAborted();
        await new Promise<void>((begun) => {
          const one = this.#limiter
            .run(signal, () => {
              begun();
              // A store that fails for a while must not make everything begin anew.
              return untilDone('taking in a part of the snapshot', () => work(item), this.options);
            })
            .catch(begun) // It only rejects when the replicator stops.
            .finally(() => running.delete(one));
          running.add(one);
        });
      }
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      await Promise.all(running);
    }
    superseded.throwIfAborted();
  }

  async #take(record: SnapshotRecord, parked: ParkedImages): Promise<void> {
    this.#leftovers.keep(record);
    if (record.kind === 'repository') return this.#takeName(record);
    if (record.kind === 'entry') return this.#takeEntry(record.entry);
    const { repository, children } = record.entry;
    if (await this.#using(() => this.#allHere(repository, children))) return this.#bring(record);
    parked.add(record);
  }

  /** Not even that of a repository of which the region may have nothing. */
  async #takeName(record: Arrival): Promise<void> {
    const { content, selection, arrive, signal } = this.options;
    const { repository } = record;
    const add = (): Promise<void> => this.#using(() => content.catalog.add(repository, signal));
    await arrive(record, () => (selection.rules.share(repository) === 'none' ? undefined : add));
  }

  async #takeEntry(entry: Entry): Promise<void> {
    const { content, onPolicy, signal } = this.options;
    if (entry.type === 'policy.put') return onPolicy(entry);
    await this.#using(() => applyContentEntry(content, entry, signal));
  }

  /** Nothing is awaited inside but the store: waiting for blobs, and for each other, takes nobody's turn. */
  #using<T>(work: () => Promise<T>): Promise<T> {
    return this.#store.run(this.options.signal, work);
  }

  async #allHere(repository: RepositoryName, children: readonly Digest[]): Promise<boolean> {
    const { content, signal } = this.options;
    const found = await Promise.all(children.map((child) => content.manifests.find(repository, child, signal)));
    return found.every((manifest) => manifest !== undefined);
  }

  /** Waits for the image's blobs, then shows it, then its tags: as far as the region may have it. */
  async #bring({ entry, tags }: SnapshotImage): Promise<void> {
    const { selection, content, arrive, onApplied } = this.options;
    const tagged = { ...entry, tags: tags.map(({ tag }) => tag) };
    this.#underWay.add(entry);
    try {
      let look: BlobLook | undefined;
      for (let shown = false; !shown; ) {
        // Another policy may come while it waits, for blobs or for its turn, and then it needs other things.
        const { placed } = selection;
        const admitted = this.#isOver ? undefined : selection.admitted(tagged);
        const wanted = admitted?.type === 'manifest.put' ? selection.wantedBlobs(admitted) : 'none';
        const believed = look?.isBelieved(placed, content.blobs, this.options.clock) === true ? look : undefined;
        const latest = await this.#waitForBlobs(entry, wanted, believed);
        if (this.#passed.delete(entry)) return this.#count(entry);
        look = latest;
        if (!latest.isComplete) continue;
        const isCurrent = (): boolean => latest.isCurrent(selection.placed, content.blobs);
        let isDone = admitted === undefined;
        const show = async (): Promise<void> => {
          if (!isCurrent()) return;
          await this.#show(entry, tags);
          isDone = isCurrent();
        };
        await arrive(entry, () => (isCurrent() && admitted !== undefined ? () => this.#using(show) : undefined));
        shown = isDone && selection.placed === placed;
      }
    } finally {
      this.#underWay.delete(entry);
      this.#released.delete(entry);
    }
    if (this.#isOver) return;
    onApplied(entry);
    this.#count(entry);
  }

  /** As far as the policy that its needs were found by lets the region have it. */
  async #show(entry: SnapshotManifest, tags: SnapshotImage['tags']): Promise<void> {
    const { content, selection, signal } = this.options;
    const { repository, digest } = entry;
    const admitted = selection.admitted({ ...entry, tags: tags.map(({ tag }) => tag) });
    if (admitted?.type !== 'manifest.put') return;
    await applyContentEntry(content, entry, signal, (blob) => content.blobs.lately.link(blob));
    for (const { tag, seq } of tags.filter((each) => admitted.tags.includes(each.tag))) {
      await content.tags.set(repository, tag, seq, digest, signal);
    }
  }

  /** Looks for the image's blobs, and waits for those that are missing. What an earlier look has found is not looked for again. */
  async #waitForBlobs(entry: SnapshotManifest, wanted: WantedBlobs, earlier?: BlobLook): Promise<BlobLook> {
    const { content, selection, missing, waiting, pulled, clock, signal } = this.options;
    const under = selection.placed;
    let lookedMs = clock.monotonic();
    let released: Promise<void> | undefined;
    const absent: BlobDescriptor[] = [];
    const isSurelyHere = (blob: Digest): boolean => earlier?.knows(blob, content.blobs) ?? false;
    const find = () =>
      this.#using(() => {
        lookedMs = clock.monotonic();
        return findNeeds(content, entry, signal, wanted, isSurelyHere);
      });
    await missing.whileLooking(find, (needs, hasArrived) => {
      absent.push(
        ...needs.flatMap((need) => (need.kind === 'blob' && !hasArrived(need.blob.digest) ? [need.blob] : [])),
      );
      if (absent.length === 0) return;
      released = this.#isOver ? Promise.resolve() : new Promise((resolve) => this.#released.set(entry, resolve));
      if (!this.#isOver) waiting.add(entry, absent.map(needOf));
    });
    const asked = this.#isOver ? [] : absent;
    if (pulled.has(entry)) missing.requestAhead(asked);
    else await missing.requestLate(asked, lookedMs);
    if (released !== undefined) await untilAborted(released, signal);
    const found = wanted === 'none' ? [] : entry.blobs.filter((blob) => !absent.includes(blob));
    const here = new Set(found.map(({ digest }) => digest));
    return new BlobLook({ under, sinceMs: earlier?.sinceMs ?? lookedMs, here, isComplete: absent.length === 0 });
  }

  #count(entry: SnapshotManifest): void {
    const { images, bytes } = this.header;
    this.#images += 1;
    this.#bytes += this.#leftovers.newBytes(entry);
    if (this.#images % TELL_EVERY !== 0 && this.#images < images) return;
    const share = bytes === 0 ? this.#images / Math.max(1, images) : this.#bytes / bytes;
    const tookMs = this.options.clock.monotonic() - this.#startedMs;
    this.options.onProgress({
      seq: this.header.position.seq,
      images: { done: Math.min(this.#images, images), total: images },
      bytes: { done: Math.min(this.#bytes, bytes), total: bytes },
      estimateSeconds: share > 0 ? Math.max(0, Math.round((tookMs * (1 - share)) / share / 1_000)) : undefined,
    });
  }
}

function needOf(blob: BlobDescriptor): Need {
  return { kind: 'blob', blob };
}
