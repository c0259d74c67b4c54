import type { BlobDescriptor } from '#libs/oci';
import { type OpenedBlob, type PeerClient, PeerError } from '#libs/peer';
import { anySignal, type Clock, exponentialBackoff, type Random } from '#libs/resilience';
import type { BlobSources } from './blob-sources.js';
import type { Turn } from './source-line.js';

/** Times in a row that every source was asked and none gave a byte; then the queue tries again later. */
const MAX_BARREN_ROUNDS = 4;

/** Between two rounds: a link that broke is tried again soon, with what arrived kept. */
const ROUND_PAUSE = { baseMs: 250, capMs: 2_000 };

/** A source that lacked the blob is not asked for its next range before this is over. */
const LACKING_MS = 1_000;

/** Smaller ones are not copied in parts, so there is nothing to follow. */
export const FOLLOWED_FROM_BYTES = 2 * 1024 * 1024;

/** Regions hear of a blob at about the same time: so long a nearer one has to begin with it. */
const BEGIN_MS = 400;

/** Followed copies give a byte at least this often, or the next region is asked. */
const STALLED_MS = 3_000;

export interface BlobFetchOptions {
  readonly sources: BlobSources;
  readonly followedFromBytes?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onBytes: (bytes: number) => void;
  /** Resolves when that many more bytes may come; `undefined` for at once. */
  readonly pass?: (bytes: number, signal: AbortSignal) => Promise<void> | undefined;
  /** Of a blob whose ranges take turns on the line with those of others: whether somebody waits for it right now. */
  readonly isUrgent?: () => boolean;
}

interface Range {
  at: number;
  readonly end: number;
  readonly onTurn: () => void;
}

/** Bytes from `start` up to, not including, `end`. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * One blob's bytes from whichever region gives them, by one range or by many at once: from the nearest that has it, and
 * when that one breaks off, from there or from the next, beginning where it stopped. There is no limit to the time that
 * it takes, as long as bytes arrive. What comes is not checked: that takes the whole.
 */
export class BlobFetch {
  /** Sources that some of its bytes came from. */
  readonly #used = new Set<PeerClient>();
  /** Sources that said something impossible about it. */
  readonly #refused = new Set<PeerClient>();
  /** Until when a source may begin to copy the blob itself. */
  readonly #beginsUntilMs = new Map<PeerClient, number>();
  readonly #lackingUntilMs = new Map<PeerClient, number>();
  /** Bytes that each gave. */
  readonly #given = new Map<PeerClient, number>();
  /** What went wrong last. */
  #lost: PeerError | undefined;

  constructor(
    private readonly blob: BlobDescriptor,
    private readonly options: BlobFetchOptions,
  ) {}

  /** The bytes did not hash to the digest: whoever sent some of them is less believed from now on. */
  blame(): void {
    for (const source of this.#used) this.options.sources.lied(source);
  }

  /** `onTurn`: the first request for them is made. @throws PeerError when no source could give them */
  async *bytes(
    { start, end }: ByteSpan,
    signal: AbortSignal,
    onTurn: () => void = () => undefined,
  ): AsyncGenerator<Uint8Array, void> {
    const { clock, random, sources } = this.options;
    const range = { at: start, end, onTurn };
    for (let barren = 0; range.at < end; ) {
      const before = range.at;
      const asked = yield* this.#round(range, signal);
      if (range.at >= end) return;
      // Who is left alone for a while was not asked, and may be the one that has it.
      const everybody = asked > 0 && asked === sources.count;
      if (everybody && this.#lost === undefined) throw new Error(`no region has ${this.blob.digest}`);
      // A round in which everybody is left alone says nothing.
      const told = asked > 0 || sources.askable(this.blob.size).length > 0 || sources.count === 0;
      barren = range.at > before ? 0 : barren + (told ? 1 : 0);
      if (barren >= MAX_BARREN_ROUNDS) throw this.#lost ?? this.#unreachable();
      await clock.sleep(exponentialBackoff(barren, ROUND_PAUSE, random), signal);
    }
  }

  #unreachable(): Error {
    const { nearest } = this.options.sources;
    if (nearest === undefined) return new Error('there is no other region');
    return new PeerError('unreachable', nearest.region, 'it cannot be reached, and nobody else has the blob');
  }

  /** Asks each source once; says how many that were. */
  async *#round(range: Range, signal: AbortSignal): AsyncGenerator<Uint8Array, number> {
    const { sources } = this.options;
    let asked = 0;
    for (const source of sources.askable(this.blob.size)) {
      if (this.#refused.has(source)) continue;
      asked += 1;
      const before = range.at;
      try {
        yield* this.#from(source, range, signal);
        if (range.at >= range.end) break;
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        this.#lost = error;
        if (!error.retryable) this.#refused.add(source);
        if (range.at === before) sources.failed(source);
      }
    }
    return asked;
  }

  /** By one request, or by one for each turn. */
  async *#from(source: PeerClient, range: Range, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    for (const begunAt = range.at; range.at < range.end && !this.#isLacking(source); ) {
      const turn = await this.#turn(source, range.at > begunAt, signal);
      const before = range.at;
      yield* this.#request(source, range, turn, signal);
      // It ended as if it had none.
      if (range.at === before) return;
    }
  }

  async *#request(
    source: PeerClient,
    range: Range,
    turn: Turn | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void> {
    range.onTurn();
    const end = Math.min(range.end, range.at + (turn?.bytes ?? Number.POSITIVE_INFINITY));
    const ended = new AbortController();
    const reading = anySignal([signal, ended.signal]);
    let heldBack = false;
    try {
      // Another range may have asked while this one waited for its turn.
      const opened = this.#isLacking(source)
        ? undefined
        : await this.#open(source, { start: range.at, end }, reading.signal);
      if (opened === undefined) return;
      turn?.answered(opened.growing === true);
      if (opened.growing === true) {
        this.#watch(() => (heldBack ? 'held back' : (this.#given.get(source) ?? 0)), reading.signal).then(
          () => ended.abort(new PeerError('stalled', source.region, 'its own copy does not go on')),
          () => undefined,
        );
      }
      for await (const chunk of opened.body as AsyncIterable<Uint8Array>) {
        this.#used.add(source);
        this.#given.set(source, (this.#given.get(source) ?? 0) + chunk.length);
        range.at += chunk.length;
        turn?.carried(chunk.length);
        this.options.sources.answered(source);
        this.options.onBytes(chunk.length);
        yield chunk;
        const passing = this.options.pass?.(chunk.length, signal);
        if (passing === undefined) continue;
        heldBack = true;
        turn?.heldBack();
        await passing;
        heldBack = false;
        turn?.goesOn();
      }
    } finally {
      ended.abort(new Error('nobody reads any more'));
      reading.release();
      turn?.end();
    }
  }

  #isLacking(source: PeerClient): boolean {
    return (this.#lackingUntilMs.get(source) ?? 0) > this.options.clock.monotonic();
  }

  async #turn(source: PeerClient, goesOn: boolean, signal: AbortSignal): Promise<Turn | undefined> {
    const { sources, isUrgent } = this.options;
    return isUrgent === undefined ? undefined : sources.lineTo(source).turn({ isUrgent, goesOn, signal });
  }

  async #open(source: PeerClient, { start, end }: ByteSpan, signal: AbortSignal): Promise<OpenedBlob | undefined> {
    const { blob } = this;
    const range = start === 0 && end === blob.size ? {} : { range: { start, end: end - 1 } };
    const opened = await source.openBlob(blob.digest, { ...range, ...this.#follow(source), signal });
    if (opened === undefined) {
      this.#lackingUntilMs.set(source, this.options.clock.monotonic() + LACKING_MS);
      return undefined;
    }
    if (opened.size === blob.size) return opened;
    opened.body.destroy();
    throw new PeerError('protocol', source.region, `has ${blob.digest} with ${opened.size} bytes, not ${blob.size}`);
  }

  /**
   * Also what a region nearer to the primary is only just copying. It is waited for once, for it may never begin: all ranges
   * that are asked for meanwhile wait together, or the first one would wait and the others cross from the primary.
   */
  #follow(source: PeerClient): { readonly followMs?: number } {
    if (
      this.blob.size < (this.options.followedFromBytes ?? FOLLOWED_FROM_BYTES) ||
      !this.options.sources.mayFollow(source)
    )
      return {};
    const nowMs = this.options.clock.monotonic();
    const untilMs = this.#beginsUntilMs.get(source) ?? nowMs + BEGIN_MS;
    this.#beginsUntilMs.set(source, untilMs);
    return { followMs: Math.max(0, Math.ceil(untilMs - nowMs)) };
  }

  /**
   * Resolves when there was no progress for a while, in any range: a copy elsewhere that stands still must not hold this
   * one up. What we hold back ourselves does not stand still.
   */
  async #watch(position: () => number | 'held back', signal: AbortSignal): Promise<void> {
    for (let before = -1, now = position(); now !== before; now = position()) {
      before = now === 'held back' ? -1 : now;
      await this.options.clock.sleep(STALLED_MS, signal);
    }
  }
}
