import type { Clock } from '#libs/resilience';
import { isWorthKeeping, type LaneTrial, pays, REST_MS, type TrialKind } from './lane-trial.js';
import { neededBytes, PIECE_BYTES, requestFor, roomMs } from './line-need.js';
import { LineRound } from './line-round.js';
import { Quickest } from './quickest.js';

/** What a line begins with that nobody knows yet: a fifth of a second of 8 Mbit/s. */
export const FIRST_LANES = 3;
const FIRST_REQUEST_BYTES = 64 * 1024;
const FIRST_BYTES = FIRST_LANES * FIRST_REQUEST_BYTES;

/** A connection over 80 ms with windows of 64 KB carries 0.8 MB/s: so many carry 300 Mbit/s. */
export const MAX_LANES = 48;

/** What a source that is only just getting the bytes is asked for: most of it waits there, not in the line. */
const GROWING_BYTES = 4 * 1024 * 1024;

/** So many times as much is under way in the next round at the most. */
const GROWTH = 4;

/** A line that is full carries no more than so many times as much for a moment. */
const STEADY = 2;

/** So many times as many lanes are tried at the least, and where more paid the last time, on narrow ones too. */
const LEAST_GROWTH = 1.25;
const BOLD = 2.5;
const BOLDEST = 8;

/** How long it is looked what a number of lanes carries. */
const TRIAL_MS = 200;

/** Bytes that come in one go are measured over at least so long: sockets are read in bursts. The first ones are few. */
const FIRST_BURST_MS = 10;
const BURST_MS = 40;

/** New lanes have carried something by then, if they ever will. */
const LONGEST_SETTLING_MS = 500;

/** More are not tried so soon after fewer were. */
const FITTED_MS = 1_000;

/**
 * How many requests for big blobs a source has under way, and how much each asks for: as much as the line to it needs, and
 * little more, for what is under way is what everything else on that line waits behind.
 *
 * What the first bytes come by tells what the line carries, and so much is asked for. From then on rounds are looked at. While
 * answers begin as soon as on an empty line, nobody waits: more are under way, up to what the line was seen to carry for a
 * moment; beyond that more lanes are tried, and kept if they carry more, which is so where connections are narrow. While
 * answers begin much later, as many as the line should need are tried, and kept if they carry as much.
 */
export class Lanes {
  #limit = FIRST_LANES;
  #requestBytes = FIRST_REQUEST_BYTES;
  #isNew = true;
  /** When the first answer came. */
  #heardMs = Number.POSITIVE_INFINITY;
  /** Connections carry less than one request in a round trip: only more of them carry more. */
  #isNarrow = false;
  /** More lanes paid the last time. */
  #isBold = true;
  #trial: LaneTrial | undefined;
  /** What so many lanes carry when nothing else is in their way; a busy machine lets any number carry little for a moment. */
  #bestRate = 0;
  /** Until when it is not tried again what brought nothing. */
  readonly #restsUntilMs: Record<TrialKind, number> = { more: 0, fewer: 0, larger: 0 };
  /** Until when it is not looked at what comes; not known after a pause. */
  #settlesUntilMs: number | undefined = 0;
  #round = new LineRound(FIRST_BURST_MS);
  #answerMs: number | undefined;
  readonly #quickest: Quickest;

  constructor(private readonly clock: Clock) {
    this.#quickest = new Quickest(clock);
  }

  get limit(): number {
    return this.#limit;
  }

  get requestBytes(): number {
    return this.#requestBytes;
  }

  /** A request was answered; `growing` by a source that is only just getting the bytes itself. */
  answered(askedMs: number, growing: boolean): void {
    const atMs = this.clock.monotonic();
    this.#quickest.saw(atMs - askedMs);
    this.#round.answered(askedMs, atMs);
    if (growing) this.#follow(atMs - askedMs);
    else if (askedMs >= this.#heardMs) this.#know();
    this.#heardMs = Math.min(this.#heardMs, atMs);
  }

  /** All that a request asked for is here. */
  ended(): void {
    if (this.#isNew) this.#suit(this.#round.peak);
  }

  /** What was asked for when the first bytes had come is coming. */
  #know(): void {
    if (!this.#isNew || this.#round.peak === 0) return;
    this.#suit(this.#round.peak);
    this.#isNew = false;
    this.#begin();
    this.#settlesUntilMs = this.clock.monotonic() + this.#quickest.ms;
  }

  /** No less than it began with: a busy machine lets anything look slow for a moment. */
  #suit(rate: number): void {
    this.#requestBytes = Math.max(FIRST_REQUEST_BYTES, requestFor(rate));
    const least = Math.ceil(FIRST_BYTES / this.#requestBytes);
    this.#limit = Math.max(least, this.#lanesFor(rate));
  }

  /** Its pace is not the line's: as much as may be is asked for while answers are quick, and what that brings is not judged. */
  #follow(tookMs: number): void {
    this.#isNew = false;
    this.#round.isGrowing = true;
    this.#round.spoil();
    if (this.#isLate(tookMs) || this.#limit * this.#requestBytes >= GROWING_BYTES) return;
    if (this.#requestBytes < PIECE_BYTES) this.#requestBytes *= 2;
    else this.#limit += FIRST_LANES;
  }

  #isLate(answerMs: number): boolean {
    const quickestMs = this.#quickest.ms;
    return answerMs > quickestMs + 2 * roomMs(quickestMs);
  }

  /** `full`: as many as may be are under way. A round in which there was nothing more to ask for tells nothing. */
  carried(bytes: number, full: boolean): void {
    const atMs = this.clock.monotonic();
    // New lanes are opened, ask and are answered first; of those that end, what was under way comes.
    this.#settlesUntilMs ??= atMs + Math.min(LONGEST_SETTLING_MS, 2 * Math.max(this.#quickest.ms, this.#answerMs ?? 0));
    if (atMs < this.#settlesUntilMs) return;
    this.#round.carried(bytes, full, atMs);
    if (!this.#isNew && this.#round.tookMs >= TRIAL_MS) this.#judge(atMs);
  }

  /** What comes does not come as the line would have it: it is held back here, or is only being made there. */
  undecided(): void {
    this.#round.spoil();
  }

  #judge(atMs: number): void {
    const round = this.#round;
    const answerMs = round.answerMs ?? (this.#trial === undefined ? undefined : this.#answerMs);
    if (answerMs === undefined && round.isFull) return;
    this.#answerMs = answerMs;
    const before = this.#limit * this.#requestBytes;
    const isTelling = round.isFull && answerMs !== undefined;
    if (isTelling) this.#decide(atMs, round, answerMs);
    else this.#forget();
    if (round.isGrowing && answerMs !== undefined && this.#isLate(answerMs)) this.#suit(round.peak);
    this.#round = new LineRound(BURST_MS);
    if (!isTelling || this.#limit * this.#requestBytes !== before) this.#begin();
  }

  #decide(atMs: number, round: LineRound, answerMs: number): void {
    const { rate, peak } = round;
    const quickestMs = this.#quickest.ms;
    const trial = this.#trial;
    this.#trial = undefined;
    if (trial !== undefined && !pays(trial, rate)) {
      this.#giveUp(atMs, trial, rate);
      return;
    }
    if (trial?.kind === 'more') this.#isBold = true;
    if (trial?.kind === 'fewer') this.#isNarrow = false;
    this.#bestRate = Math.max(rate, this.#bestRate * 0.9 + rate * 0.1);
    const waitMs = answerMs - quickestMs;
    const rests = this.#restsUntilMs;
    const isQuick = waitMs < roomMs(quickestMs) / 2;
    if (isQuick && this.#limit > 2 * this.#lanesFor(rate)) this.#isNarrow = true;
    // What waits in a line comes out of it evenly: late answers of bytes that come in bursts are a busy machine's.
    const isBursty = peak >= STEADY * rate;
    if (this.#isLate(answerMs) && !isBursty && atMs >= rests.fewer) this.#fit(atMs, round, answerMs);
    else if ((isQuick || isBursty) && atMs >= rests.more) this.#more(round, isQuick);
    else if (this.#isTooSmall(peak)) this.#larger();
  }

  /** Where answers are quick nobody waits for more, up to what the line was seen to carry for a moment; else it has to pay. */
  #more({ rate, peak }: LineRound, isQuick: boolean): void {
    const requestBytes = this.#isNarrow ? this.#requestBytes : Math.max(this.#requestBytes, requestFor(peak));
    const underWay = this.#limit * this.#requestBytes;
    const reach = neededBytes(peak, this.#quickest.ms, requestBytes);
    if (underWay * LEAST_GROWTH < reach) {
      const lanes = Math.ceil(Math.min(reach, underWay * GROWTH) / requestBytes);
      this.#try('more', Math.min(MAX_LANES, lanes), requestBytes);
      if (isQuick) this.#trial = undefined;
    } else if (isQuick && this.#limit === MAX_LANES) this.#requestBytes = Math.min(PIECE_BYTES, this.#requestBytes * 2);
    else if (isQuick) this.#try('more', Math.min(MAX_LANES, Math.ceil(this.#limit * this.#growth(peak / rate))));
  }

  #growth(seen: number): number {
    return this.#isBold ? Math.min(BOLDEST, Math.max(this.#isNarrow ? BOLD : LEAST_GROWTH, seen)) : LEAST_GROWTH;
  }

  /** As many as the line should need. */
  #fit(atMs: number, { rate, peak }: LineRound, answerMs: number): void {
    const quickestMs = this.#quickest.ms;
    this.#restsUntilMs.more = atMs + FITTED_MS;
    // What it carried once says nothing of a line that is so full: it is another one.
    if (answerMs > quickestMs + 4 * roomMs(quickestMs)) this.#bestRate = rate;
    const narrow = Math.ceil((this.#limit * (quickestMs + roomMs(quickestMs))) / answerMs);
    const requestBytes = Math.min(this.#requestBytes, requestFor(peak));
    // What came was little, too, where the machine was busy.
    const wide = this.#lanesFor(Math.min((rate + peak) / 2, rate * 1.5), requestBytes);
    this.#try('fewer', this.#isNarrow ? narrow : wide, requestBytes);
  }

  #isTooSmall(peak: number): boolean {
    return this.#requestBytes * 2 <= requestFor(peak);
  }

  /** Each asks for twice as much, and there are half as many; where that carries less, as many as there were. */
  #larger(): void {
    if (this.#isNarrow) this.#requestBytes *= 2;
    else this.#try('larger', Math.ceil(this.#limit / 2), this.#requestBytes * 2);
  }

  #lanesFor(rate: number, requestBytes = this.#requestBytes): number {
    const lanes = Math.round(neededBytes(rate, this.#quickest.ms, requestBytes) / requestBytes);
    return Math.min(MAX_LANES, Math.max(1, lanes));
  }

  #giveUp(atMs: number, trial: LaneTrial, rate: number): void {
    this.#restsUntilMs[trial.kind] = atMs + REST_MS[trial.kind];
    if (trial.kind === 'larger') this.#isNarrow = true;
    if (trial.kind === 'more') this.#isBold = false;
    if (isWorthKeeping(trial, rate)) this.#bestRate = rate;
    else this.#goBack(trial);
  }

  /** What was tried came to no end. */
  #forget(): void {
    if (this.#trial !== undefined) this.#goBack(this.#trial);
    this.#trial = undefined;
  }

  /** Where connections are narrow, asking for more by each does no harm. */
  #goBack({ kind, lanes, requestBytes, rate }: LaneTrial): void {
    this.#limit = lanes;
    this.#bestRate = rate;
    if (kind !== 'larger' || !this.#isNarrow) this.#requestBytes = requestBytes;
  }

  #try(kind: TrialKind, limit: number, requestBytes = this.#requestBytes): void {
    if (limit === this.#limit && requestBytes === this.#requestBytes) return;
    this.#trial = { kind, lanes: this.#limit, requestBytes: this.#requestBytes, rate: this.#bestRate };
    this.#bestRate = 0;
    this.#limit = limit;
    this.#requestBytes = requestBytes;
  }

  #begin(): void {
    this.#round = new LineRound(BURST_MS);
    this.#settlesUntilMs = undefined;
  }
}
