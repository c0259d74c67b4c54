import { type Entry, isRepositoryChange } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import type { BootstrapProgress, RegionProgress } from '#libs/peer';
import { Notifier } from '#libs/resilience';
import { AppliedSeqs } from './applied-seqs.js';

/** Entries applied beyond the watermark at the most: each is named in every report. Only a stuck entry comes near it. */
const MAX_BEYOND = 10_000;

/** Repositories that a report names one by one. */
const MAX_NAMED = 100;

interface Unreadable {
  readonly reason: string;
  readonly heardMs: number;
}

interface Filling {
  readonly before: AppliedSeqs;
  readonly sinceMs: number;
  progress: Omit<BootstrapProgress, 'tail'>;
}

/**
 * Where a region stands in the journal: what it has heard of, what of that it took up, and what of that is applied. Every
 * change of it is told by {@link changed}.
 */
export class RegionStanding {
  readonly changed = new Notifier();
  readonly #generation: string;
  #applied: AppliedSeqs;
  /** While a snapshot is taken in: what was applied before, and since when something is missing. */
  #filling: Filling | undefined;
  readonly #pending = new Map<number, Entry>();
  readonly #unreadable = new Map<number, Unreadable>();
  #epoch: number;
  #head: number;
  #headTimeMs = 0;
  #heardMs: number;
  #taken: number;
  #policySeq: number;
  /** Entries that are taken up once more, for a policy gives something of them back. */
  readonly #again = new Map<number, Entry>();

  constructor(stored: RegionProgress) {
    this.#applied = new AppliedSeqs(stored.watermark, stored.beyond);
    this.#generation = stored.generation;
    this.#epoch = stored.epoch;
    this.#head = Math.max(stored.head, stored.watermark);
    this.#heardMs = stored.heardMs;
    this.#taken = stored.watermark;
    this.#policySeq = stored.policySeq;
  }

  /** The last entry that was taken up; the journal is followed from there. */
  get taken(): number {
    return this.#taken;
  }

  /** Everything up to here is applied, or comes with a snapshot that is being taken in. */
  get tail(): number {
    return this.#applied.watermark;
  }

  /** Whether a snapshot is being taken in. */
  get isFilling(): boolean {
    return this.#filling !== undefined;
  }

  /** Whether nothing of the journal was ever applied here. */
  get isFresh(): boolean {
    return this.#filling === undefined && this.#applied.size === 0;
  }

  /**
   * From now on entries are taken up behind `place`, and a snapshot is taken in besides, which stands for a place there or
   * further on. Until it is taken in, the watermark stays where it is.
   */
  beginFilling(progress: Omit<BootstrapProgress, 'tail'>, timeMs: number, place: number): void {
    const { before, sinceMs } = this.#filling ?? { before: this.#applied, sinceMs: timeMs };
    this.#filling = { before, sinceMs, progress };
    this.#applied = new AppliedSeqs(place);
    this.#taken = place;
    this.#head = Math.max(this.#head, this.#taken);
    for (const seq of this.#unreadable.keys()) if (seq <= this.#taken) this.#unreadable.delete(seq);
    this.changed.notify();
  }

  fill(progress: Omit<BootstrapProgress, 'tail'>): void {
    if (this.#filling !== undefined) this.#filling.progress = progress;
    this.changed.notify();
  }

  /** The snapshot is taken in: everything up to where entries behind it are applied is. */
  endFilling(): void {
    this.#filling = undefined;
    this.changed.notify();
  }

  /** Entries taken up and not applied. */
  get pendingCount(): number {
    return this.#pending.size + this.#again.size + this.#unreadable.size;
  }

  /** Two standings that are equal in this have nothing to tell each other; hearing the primary again does not count. */
  get mark(): string {
    return `${this.#epoch} ${this.#applied.size} ${this.#head} ${this.#policySeq} ${this.#filling?.progress.seq ?? ''}`;
  }

  hasRoom(windowEntries: number): boolean {
    return this.pendingCount < windowEntries && this.#applied.beyondCount < MAX_BEYOND;
  }

  isApplied(seq: number): boolean {
    return this.#applied.has(seq);
  }

  /** Entries taken up and not applied, as they are now. */
  get pending(): readonly Entry[] {
    return [...this.#pending.values(), ...this.#again.values()];
  }

  /** Whether that manifest was taken up and is not applied yet. */
  isPending(repository: RepositoryName, digest: Digest): boolean {
    for (const entry of this.pending) {
      if (entry.type === 'manifest.put' && entry.repository === repository && entry.digest === digest) return true;
    }
    return false;
  }

  /** Whether a manifest that is not here may still come: by an entry, or with the snapshot that is being taken in. */
  isComing(repository: RepositoryName, digest: Digest): boolean {
    return this.isFilling || this.isPending(repository, digest);
  }

  /** The primary said something. */
  heard(atMs: number): void {
    this.#heardMs = atMs;
  }

  announce(head: { readonly seq: number; readonly timeMs: number }): void {
    // The same is said each second while nothing happens.
    if (head.seq <= this.#head && head.timeMs === this.#headTimeMs) return;
    this.#head = Math.max(this.#head, head.seq);
    this.#headTimeMs = head.timeMs;
    this.changed.notify();
  }

  /** @throws Error if `seq` is not the next one to be taken up */
  expect(seq: number): void {
    if (seq !== this.#taken + 1) throw new Error(`entry ${seq} came after entry ${this.#taken}`);
    this.#head = Math.max(this.#head, seq);
  }

  /** The reign of an earlier primary is over; nothing of it is believed any more (I12). @throws Error */
  refuseEarlierEpoch(epoch: number): void {
    if (epoch < this.#epoch) throw new Error(`epoch ${epoch} is over, this is epoch ${this.#epoch}`);
  }

  /** From now on the entry counts as missing. */
  begin(entry: Entry): void {
    this.#epoch = entry.epoch;
    this.#pending.set(entry.seq, entry);
  }

  /** An entry that was applied counts as missing again: for the window, and for what is needed; not as lag. */
  beginAgain(entry: Entry): void {
    this.#again.set(entry.seq, entry);
  }

  /** From now on the entry stands for the one at its place: what that put is not coming any more. */
  replace(entry: Entry): void {
    for (const entries of [this.#pending, this.#again]) if (entries.has(entry.seq)) entries.set(entry.seq, entry);
    this.changed.notify();
  }

  isUnderWay(seq: number): boolean {
    return this.#pending.has(seq) || this.#again.has(seq);
  }

  /** Whether it is under way once more, and was applied before. */
  isTakenAgain(seq: number): boolean {
    return this.#again.has(seq);
  }

  /** No entry beyond it was applied or taken up; a process that began anew takes up what was applied before only one by one. */
  get reach(): number {
    return Math.max(this.#taken, this.tail, this.#applied.beyond.at(-1) ?? 0);
  }

  /** Whether everything before that place was taken up, and nothing of it that is `awaited` is on its way, nor a snapshot that may have it. */
  hasAllBefore(place: number, awaited: (entry: Entry) => boolean): boolean {
    if (this.isFilling || this.#again.size > 0 || this.#taken < place - 1) return false;
    return !this.pending.some((entry) => entry.seq < place && awaited(entry));
  }

  /** All of the region's content follows that policy. */
  follows(policySeq: number): void {
    this.#policySeq = policySeq;
    this.changed.notify();
  }

  /** The entry is planned, or was applied before. */
  take(seq: number): void {
    this.#taken = seq;
  }

  /** An entry that this release cannot read keeps its place: the watermark stays below it, and others go on. */
  setAside(seq: number, reason: string): void {
    this.#unreadable.set(seq, { reason, heardMs: this.#heardMs });
    this.#taken = seq;
    this.changed.notify();
  }

  apply(seq: number): void {
    this.#pending.delete(seq);
    this.#again.delete(seq);
    this.#applied.add(seq);
    this.changed.notify();
  }

  /** The entry is not applied, nor will be: what is in effect of it comes in another way. */
  leave(seq: number): void {
    this.#pending.delete(seq);
    this.#again.delete(seq);
    this.changed.notify();
  }

  progress(missing: { readonly bytes: number; readonly failed: RegionProgress['failed'] }): RegionProgress {
    const { watermark, beyond } = this.#filling?.before ?? this.#applied;
    const filling = this.#filling?.progress;
    const { done, total } = filling?.images ?? { done: 0, total: 0 };
    const unreadable = [...this.#unreadable].map(([seq, { reason }]) => ({ seq, reason }));
    const settled = this.#settled();
    return {
      ...(settled === undefined ? {} : { settled }),
      generation: this.#generation,
      epoch: this.#epoch,
      watermark,
      beyond,
      head: Math.max(this.#head, watermark),
      oldestPendingMs: this.#oldestPendingMs(),
      backlog: {
        entries: Math.max(0, this.#head - this.#applied.size) + total - done,
        bytes:
          filling === undefined ? missing.bytes : Math.max(missing.bytes, filling.bytes.total - filling.bytes.done),
      },
      heardMs: this.#heardMs,
      policySeq: this.#policySeq,
      failed: [...unreadable, ...missing.failed].sort((a, b) => a.seq - b.seq).slice(-100),
      ...(filling === undefined ? {} : { bootstrap: { ...filling, tail: this.tail } }),
    };
  }

  /** Which repositories alone have entries that are not applied: reads of all others need not wait for those. */
  #settled(): RegionProgress['settled'] {
    // What the snapshot will bring nobody knows.
    if (this.#filling !== undefined) return undefined;
    const { watermark, beyond } = this.#applied;
    const appliedCount = watermark + beyond.filter((seq) => seq <= this.#taken).length;
    // Something of what was taken up is neither applied nor known by its repository.
    if (appliedCount + this.#pending.size !== this.#taken) return undefined;
    const repositories = new Set<RepositoryName>();
    for (const entry of this.pending) {
      if (!isRepositoryChange(entry) || repositories.size === MAX_NAMED) return undefined;
      repositories.add(entry.repository);
    }
    return { upTo: this.#taken, except: [...repositories] };
  }

  /** An entry that was announced and has not come is pending as well: no lag of 0 while something is missing (I15). */
  #oldestPendingMs(): number | undefined {
    const times = [...this.#pending.values()].map((entry) => entry.timeMs);
    if (this.#filling !== undefined) times.push(this.#filling.sinceMs);
    for (const { heardMs } of this.#unreadable.values()) times.push(heardMs);
    if (this.#head > this.#taken && this.#headTimeMs > 0) times.push(this.#headTimeMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
