import type { BlobDescriptor } from '#libs/oci';
import type { CopyRecord, CopyState, CopyStates } from '#libs/registry';
import { type Clock, Notifier } from '#libs/resilience';
import type { StoredPart } from '#libs/storage';
import { isStorageError } from '#libs/storage';

/** Another worker owns the copy now: two may go on for a moment, and both write the same bytes; the loser yields. */
export class CopyTaken extends Error {
  override readonly name = 'CopyTaken';
}

/** A worker that was killed blocks its copy for this long; one that failed gives it back. */
export const CLAIM_MS = 5_000;
const RENEWAL_MS = 1_500;

/** Parts that land together are remembered together. */
const SAVE_MS = 200;

/** One worker's hold on a copy: says what is stored so far, and by that who works on it. */
export class CopyOwnership {
  readonly #parts = new Map<number, StoredPart>();
  readonly #changed = new Notifier();
  #record: CopyRecord;

  constructor(
    private readonly options: {
      readonly states: CopyStates;
      readonly blob: BlobDescriptor;
      readonly worker: string;
      readonly clock: Clock;
    },
    record: CopyRecord,
  ) {
    this.#record = record;
    for (const part of record.state.parts) this.#parts.set(part.number, part);
  }

  get state(): CopyState {
    return this.#record.state;
  }

  /** Parts that are stored, ascending. */
  get parts(): readonly StoredPart[] {
    return [...this.#parts.values()].sort((a, b) => a.number - b.number);
  }

  stored(part: StoredPart): void {
    this.#parts.set(part.number, part);
    this.#changed.notify();
  }

  /** Renews the claim and remembers parts until the signal aborts. @throws CopyTaken */
  async keep(onSaved: (parts: readonly StoredPart[]) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    for (;;) {
      const { version } = this.#changed;
      await this.#save(onSaved, signal);
      await clock.sleep(SAVE_MS, signal);
      await this.#changed.waitFor(version, { limitMs: RENEWAL_MS - SAVE_MS, clock, signal });
    }
  }

  /** A store that fails for a moment may be forgiven for as long as the claim lasts. */
  async #save(onSaved: (parts: readonly StoredPart[]) => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      const { parts } = this;
      await this.confirm(signal);
      await onSaved(parts);
    } catch (error) {
      const lasts = this.state.claim.untilMs > this.options.clock.now();
      if (!(isStorageError(error) && error.retryable && lasts)) throw error;
    }
  }

  /** Makes sure, by writing it, that the copy is still this worker's. @throws CopyTaken */
  async confirm(signal: AbortSignal): Promise<void> {
    const { states, blob, worker, clock } = this.options;
    const claim = { worker, untilMs: clock.now() + CLAIM_MS };
    const next = { ...this.state, parts: this.parts, claim };
    const written = (await states.write(blob.digest, this.#record, next, signal)) ?? (await this.#again(next, signal));
    if (written === undefined) throw new CopyTaken(`another worker copies ${blob.digest}`);
    this.#record = written;
  }

  /**
   * Whoever comes next need not wait: not this worker for itself, and no other one for ever, which sees the end of a claim later
   * than who made it. One whose clock is behind sees it too. A claim that cannot be given back ends by itself.
   */
  async release(signal: AbortSignal): Promise<void> {
    const { states, blob, worker } = this.options;
    const next = { ...this.state, parts: this.parts, claim: { worker, untilMs: 0 } };
    try {
      if ((await states.write(blob.digest, this.#record, next, signal)) === undefined) await this.#again(next, signal);
    } catch {
      // What is told is why the copy failed.
    }
  }

  /** The version that this worker knows may be older than its own last write, whose answer was lost. */
  async #again(next: CopyState, signal: AbortSignal): Promise<CopyRecord | undefined> {
    const { states, blob, worker } = this.options;
    const found = await states.find(blob.digest, signal);
    if (found?.state.claim.worker !== worker) return undefined;
    return states.write(blob.digest, found, next, signal);
  }
}
