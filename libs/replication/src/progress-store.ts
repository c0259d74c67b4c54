import type { RegionProgress } from '#libs/peer';
import type { Random } from '#libs/resilience';
import { isStorageError, keys, type ObjectStore, type PutCondition } from '#libs/storage';
import { AppliedSeqs } from './applied-seqs.js';

/** A region that has applied nothing and heard of nothing. */
export function freshProgress(generation: string): RegionProgress {
  return {
    generation,
    epoch: 0,
    watermark: 0,
    beyond: [],
    head: 0,
    oldestPendingMs: undefined,
    backlog: { entries: 0, bytes: 0 },
    heardMs: 0,
    policySeq: 0,
    failed: [],
  };
}

/** What is kept beside a region's progress, and told to nobody. */
interface Stored {
  readonly progress: RegionProgress;
  /** Every process of the region follows the journal from here, or from further on; absent: none has begun. */
  readonly followedFrom: number | undefined;
  readonly etag: string;
}

/** Where a process that begins takes up the journal. */
export interface Beginning {
  /** No process of the region has begun, or will begin, before this place. */
  readonly followedFrom: number;
  /** What comes before is applied, or comes with a snapshot. */
  readonly place: number;
}

/**
 * A region's progress in its bucket, at `state/progress`. It says less than the truth after a crash, never more: what was
 * applied since is applied again, which changes nothing.
 */
export class ProgressStore {
  /** What this process knows to be stored: a bucket that says less was put back to an older state. */
  #stored = { generation: '', watermark: 0 };

  constructor(private readonly options: { readonly store: ObjectStore; readonly random: Random }) {}

  /** The stored progress; `undefined` for a bucket that was never used. */
  async find(signal: AbortSignal): Promise<RegionProgress | undefined> {
    return (await this.#read(signal))?.progress;
  }

  /** The stored progress, made if the bucket is new: from then on it has a generation. */
  async open(signal: AbortSignal): Promise<RegionProgress> {
    for (;;) {
      const found = await this.#read(signal);
      if (found !== undefined) {
        const { generation, watermark } = found.progress;
        this.#stored = { generation, watermark };
        return found.progress;
      }
      await this.#put(freshProgress(this.options.random.uuid()), { kind: 'absent' }, signal);
    }
  }

  /**
   * Whether the bucket is not what it was: emptied, another one, or put back to an older state (R15). The last begins a new
   * generation, for what the region said it has it has no more.
   */
  async isLost(signal: AbortSignal): Promise<boolean> {
    const found = await this.#read(signal);
    if (found?.progress.generation !== this.#stored.generation) return true;
    if (found.progress.watermark >= this.#stored.watermark) {
      this.#stored = found.progress;
      return false;
    }
    // Somebody who stored more in between is proof that it is not.
    return this.#put(freshProgress(this.options.random.uuid()), { kind: 'matches', etag: found.etag }, signal);
  }

  /**
   * Stores what is known now, together with what another process of the region may have stored meanwhile.
   * @throws Error if the bucket is not the one that {@link open} saw
   */
  async save(progress: RegionProgress, signal: AbortSignal): Promise<void> {
    for (;;) {
      const found = await this.#read(signal);
      // To go on would claim for a bucket what was applied to another (R15).
      if (found?.progress.generation !== progress.generation) {
        throw new Error(
          `the bucket was replaced: ${found?.progress.generation ?? 'empty'}, not ${progress.generation}`,
        );
      }
      if (progress.generation === this.#stored.generation && found.progress.watermark < this.#stored.watermark) {
        throw new Error('the bucket was put back to an older state');
      }
      const condition: PutCondition = { kind: 'matches', etag: found.etag };
      const merged = merge(progress, found.progress);
      if (!(await this.#put(merged, condition, signal, found.followedFrom))) continue;
      this.#stored = { generation: merged.generation, watermark: merged.watermark };
      return;
    }
  }

  /**
   * Agrees with the region's other processes on where the journal is followed from, beside a snapshot that stands for
   * `snapshot`: what the first one says is noted, and all go along. A snapshot tells of no deletion. A process that began at
   * a newer one would say that its region is beyond deletions of which it has no tombstone, while one that began earlier
   * still puts what they deleted, and may die before it comes to them (I6).
   * @param least the journal can be followed from here: what was agreed on earlier is void where it was cut off
   * @throws Error if the bucket is not the one that {@link open} saw
   */
  async beginAt(snapshot: number, least: number, signal: AbortSignal): Promise<Beginning> {
    for (;;) {
      const found = await this.#read(signal);
      if (found === undefined || found.progress.generation !== this.#stored.generation)
        throw new Error('the bucket was replaced');
      const { progress, etag } = found;
      const place = Math.max(found.followedFrom ?? 0, progress.watermark, progress.bootstrap?.tail ?? 0);
      const followedFrom = found.followedFrom ?? (place > 0 ? place : undefined);
      if (followedFrom !== undefined && place >= least) return { followedFrom, place };
      if (await this.#put(progress, { kind: 'matches', etag }, signal, snapshot))
        return { followedFrom: snapshot, place: snapshot };
    }
  }

  async #read(signal: AbortSignal): Promise<Stored | undefined> {
    const found = await this.options.store.read(keys.progress, signal);
    if (found === undefined) return undefined;
    const { followedFrom, ...stored } = JSON.parse(Buffer.from(found.bytes).toString()) as RegionProgress &
      Partial<Pick<Stored, 'followedFrom'>>;
    return {
      progress: { ...stored, oldestPendingMs: stored.oldestPendingMs ?? undefined, policySeq: stored.policySeq ?? 0 },
      followedFrom,
      etag: found.etag,
    };
  }

  async #put(
    progress: RegionProgress,
    condition: PutCondition,
    signal: AbortSignal,
    followedFrom?: number,
  ): Promise<boolean> {
    const bytes = Buffer.from(JSON.stringify({ ...progress, followedFrom }));
    try {
      await this.options.store.put(keys.progress, bytes, { condition, signal });
      return true;
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) return false;
      throw error;
    }
  }
}

/** What either of two processes has applied is applied. */
function merge(ours: RegionProgress, theirs: RegionProgress): RegionProgress {
  const seqs = new AppliedSeqs(Math.max(ours.watermark, theirs.watermark), [...ours.beyond, ...theirs.beyond]);
  const { bootstrap, ...rest } = ours;
  // What the other one has taken in whole is taken in.
  const filling = bootstrap !== undefined && theirs.watermark < bootstrap.seq ? { bootstrap } : {};
  return {
    ...rest,
    ...filling,
    epoch: Math.max(ours.epoch, theirs.epoch),
    watermark: seqs.watermark,
    beyond: seqs.beyond,
    head: Math.max(ours.head, theirs.head),
    policySeq: Math.max(ours.policySeq, theirs.policySeq),
    heardMs: Math.max(ours.heardMs, theirs.heardMs),
  };
}
