import type { Clock } from '#libs/resilience';

/** Requests at once that a source begins with: four megabytes under way fill most lines. */
export const FIRST_LANES = 8;

/** A connection over 80 ms with windows of 64 KB carries 0.8 MB/s: so many carry 300 Mbit/s. */
export const MAX_LANES = 48;

/** Two megabytes under way: on a line that is slower than this needs, what waits is still bounded by it. */
const LEAST_LANES = 4;

/** What is asked for by one request: a connection whose window is small is not busy with the last of them for long. */
export const PIECE_BYTES = 512 * 1024;

/** How long it is looked what a number of lanes carries. */
const TRIAL_MS = 200;

/** New lanes have carried something by then, if they ever will. */
const LONGEST_SETTLING_MS = 500;

/** So often it is tried again what brought nothing. */
const REST_MS = 10_000;

/** More lanes are worth having that carry so much more, and worth keeping, once they are there, for less. */
const WORTHWHILE = 1.15;
const WORTH_KEEPING = 1.03;

/** Fewer lanes are better that carry as much, but for so little. */
const AS_MUCH = 0.95;

/** The quickest answers of so long ago are forgotten: the way may be another since. */
const QUICKEST_MS = 60_000;

interface Trial {
  readonly from: number;
  readonly rate: number;
}

/**
 * How many requests for big blobs a source has under way: as many as the line to it needs, and no more, for what is under
 * way is what everything else on that line waits behind. Three times as many are tried while answers begin as soon as
 * on an empty line, and kept if they carry more; while they begin much later, as many as the line should need, if these
 * carry as much.
 */
export class Lanes {
  #limit = FIRST_LANES;
  #trial: Trial | undefined;
  /** What so many lanes carry when nothing else is in their way; a busy machine lets any number carry little for a moment. */
  #bestRate = 0;
  /** Until when it is not tried again what brought nothing. */
  readonly #restsUntilMs = { more: 0, fewer: 0 };
  /** Until when it is not looked at what comes; not known after a pause. */
  #settlesUntilMs: number | undefined;
  #round = newRound();
  /** The quickest answer of the last round that had any: what stands in the line everybody waits for. */
  #answerMs: number | undefined;
  /** The quickest answer of this stretch of time and of the one before. */
  #quickest = { sinceMs: 0, nowMs: Number.POSITIVE_INFINITY, beforeMs: Number.POSITIVE_INFINITY };

  constructor(private readonly clock: Clock) {}

  get limit(): number {
    return this.#limit;
  }

  /** A request was answered by a source that had the bytes. */
  answered(askedMs: number): void {
    const atMs = this.clock.monotonic();
    const tookMs = atMs - askedMs;
    const quickest = this.#quickest;
    const isOver = atMs - quickest.sinceMs >= QUICKEST_MS;
    this.#quickest = isOver
      ? { sinceMs: atMs, nowMs: tookMs, beforeMs: quickest.nowMs }
      : { ...quickest, nowMs: Math.min(quickest.nowMs, tookMs) };
    // What was asked before says how the line was, not how it is.
    const { sinceMs, answerMs = tookMs } = this.#round;
    if (sinceMs !== undefined && askedMs >= sinceMs) this.#round.answerMs = Math.min(answerMs, tookMs);
  }

  /** `full`: as many as may be are under way. A round in which there was nothing more to ask for tells nothing. */
  carried(bytes: number, full: boolean): void {
    const atMs = this.clock.monotonic();
    // New lanes are opened, ask and are answered first; of those that end, what was under way comes.
    this.#settlesUntilMs ??= atMs + Math.min(LONGEST_SETTLING_MS, 2 * Math.max(this.quickestMs, this.#answerMs ?? 0));
    if (atMs < this.#settlesUntilMs) return;
    const round = this.#round;
    round.sinceMs ??= atMs;
    round.bytes += bytes;
    if (full) round.full += 1;
    else round.idle += 1;
    if (atMs - round.sinceMs >= TRIAL_MS) this.#judge(atMs);
  }

  /** What comes does not come as the line would have it: it is held back here, or is only being made there. */
  undecided(): void {
    this.#round.idle += 1_000;
  }

  #judge(atMs: number): void {
    const { sinceMs = atMs, bytes, full, idle } = this.#round;
    const answerMs = this.#round.answerMs ?? (this.#trial === undefined ? undefined : this.#answerMs);
    if (answerMs === undefined && full > idle) return;
    const before = this.#limit;
    const isTelling = full > idle && answerMs !== undefined;
    this.#round = newRound();
    this.#answerMs = answerMs;
    if (isTelling) this.#decide(atMs, bytes / (atMs - sinceMs), answerMs);
    else this.#forget();
    if (!isTelling || this.#limit !== before) this.#settlesUntilMs = undefined;
  }

  #decide(atMs: number, rate: number, answerMs: number): void {
    const { quickestMs } = this;
    const trial = this.#trial;
    this.#trial = undefined;
    if (trial !== undefined && !this.#pays(trial, rate)) {
      this.#giveUp(atMs, trial, rate);
      return;
    }
    this.#bestRate = Math.max(rate, this.#bestRate * 0.9 + rate * 0.1);
    const isQuick = answerMs <= quickestMs * 1.25 + 10;
    const isLate = answerMs > quickestMs * 2 + 50;
    const rests = this.#restsUntilMs;
    if (isQuick && atMs >= rests.more) this.#try(Math.min(MAX_LANES, this.#limit * 3));
    if (isLate && atMs >= rests.fewer) this.#try(this.#enough(rate * quickestMs));
  }

  /** For so many bytes on their way and as many that wait; but no less than half at once. */
  #enough(bytes: number): number {
    const lanes = Math.ceil((bytes * 2) / PIECE_BYTES);
    return Math.min(this.#limit, Math.max(LEAST_LANES, Math.floor(this.#limit / 2), lanes));
  }

  #pays({ from, rate: before }: Trial, rate: number): boolean {
    return rate >= before * (this.#limit > from ? WORTHWHILE : AS_MUCH);
  }

  #giveUp(atMs: number, { from, rate: before }: Trial, rate: number): void {
    const grew = this.#limit > from;
    this.#restsUntilMs[grew ? 'more' : 'fewer'] = atMs + REST_MS;
    const isBack = !grew || rate < before * WORTH_KEEPING;
    if (isBack) this.#limit = from;
    this.#bestRate = isBack ? before : rate;
  }

  /** What was tried came to no end. */
  #forget(): void {
    if (this.#trial === undefined) return;
    this.#limit = this.#trial.from;
    this.#bestRate = this.#trial.rate;
    this.#trial = undefined;
  }

  #try(limit: number): void {
    if (limit === this.#limit) return;
    this.#trial = { from: this.#limit, rate: this.#bestRate };
    this.#bestRate = 0;
    this.#limit = limit;
  }

  /** How soon an answer begins where nothing is in its way. */
  get quickestMs(): number {
    return Math.min(this.#quickest.nowMs, this.#quickest.beforeMs);
  }
}

interface Round {
  sinceMs: number | undefined;
  bytes: number;
  /** How often something came while as many as may be were under way, and while fewer were. */
  full: number;
  idle: number;
  /** The quickest. */
  answerMs: number | undefined;
}

function newRound(): Round {
  return { sinceMs: undefined, bytes: 0, full: 0, idle: 0, answerMs: undefined };
}
