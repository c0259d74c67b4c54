import type { BlobDescriptor, Digest } from '#libs/oci';
import type { BlobStore } from '#libs/registry';
import { type Clock, Limiter, nextBeat, type Random } from '#libs/resilience';
import type { Setbacks } from './setbacks.js';
import type { WaitingEntries } from './waiting-entries.js';

/** How often what is still missing is looked for in the store, and asked for again. */
const SWEEP_MS = 2_000;

/** Missing blobs looked for in one sweep; the rest have their turn in the next. */
const SWEEP_BLOBS = 1_000;

/** A store that is busy or far away answers late: one look after the other, a thousand of them take a minute. */
const LOOKS_AT_ONCE = 32;

export interface MissingSweepOptions {
  readonly waiting: WaitingEntries;
  readonly blobs: BlobStore;
  readonly setbacks: Setbacks;
  /** Whether its copy begins at once, and looks for it first. */
  readonly isDirect: (blob: BlobDescriptor) => boolean;
  readonly request: (blobs: readonly BlobDescriptor[]) => Promise<void>;
  readonly onArrived: (digest: Digest) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly onRetry: (what: string, error: unknown) => void;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** Looks for what entries wait for, and asks for it again: whoever was told of it may have forgotten, or have given up. */
export class MissingSweep {
  readonly #looks = new Limiter(LOOKS_AT_ONCE);

  constructor(private readonly options: MissingSweepOptions) {}

  /** Sweeps until the replicator stops. */
  async keepSweeping(): Promise<void> {
    const { clock, signal } = this.options;
    for (;;) {
      await nextBeat(SWEEP_MS, clock, signal);
      await this.#once();
    }
  }

  soon(): void {
    // It only rejects when the replicator stops.
    this.#once().catch(() => undefined);
  }

  async #once(): Promise<void> {
    const { onRetry, signal } = this.options;
    try {
      await this.#sweep();
    } catch (error) {
      signal.throwIfAborted();
      onRetry('looking for what is missing', error);
    }
  }

  async #sweep(): Promise<void> {
    const { waiting, setbacks, isDirect, request, signal } = this.options;
    const [copied, looked]: [BlobDescriptor[], BlobDescriptor[]] = [[], []];
    for (const blob of waiting.missingBlobs)
      (isDirect(blob) && setbacks.mayTry(blob.digest) ? copied : looked).push(blob);
    await request(copied);
    const absent = await Promise.all(
      this.#some(looked).map((blob) => this.#looks.run(signal, () => this.#isAbsent(blob))),
    );
    await request(absent.flatMap((blob) => (blob !== undefined && setbacks.mayTry(blob.digest) ? [blob] : [])));
  }

  async #isAbsent(blob: BlobDescriptor): Promise<BlobDescriptor | undefined> {
    const { blobs, onArrived, signal } = this.options;
    if ((await blobs.stat(blob.digest, signal)) === undefined) return blob;
    onArrived(blob.digest);
    return undefined;
  }

  #some(blobs: readonly BlobDescriptor[]): readonly BlobDescriptor[] {
    if (blobs.length <= SWEEP_BLOBS) return blobs;
    const start = Math.floor(this.options.random.next() * blobs.length);
    return [...blobs.slice(start), ...blobs.slice(0, start)].slice(0, SWEEP_BLOBS);
  }
}
